//! Raw prompts as other tools keep them, and the forms in which a prompt may appear there.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::version::messages;
use super::{Draft, canonical};
use crate::units::Digest;

/// A raw prompt of a result file, hashed: it is only ever compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawPrompt {
    text: Digest,
    chat: Option<Digest>,
}

impl RawPrompt {
    /// Hashes a text, and the chat array that it may be.
    pub(crate) fn of(text: &str) -> Self {
        // Some tools keep the byte order mark of the prompt's file.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let chat = serde_json::from_str::<Json>(text).ok();
        let chat = chat.as_ref().and_then(Json::as_array).map(|list| {
            let same_shape: Json = list
                .iter()
                .map(|message| {
                    let more = message.as_object().is_some_and(|map| map.len() > 2);
                    let content = match message.get("content") {
                        Some(_) if more => canonical::json(message),
                        Some(Json::String(text)) => canonical::text(text),
                        Some(other) => canonical::json(other),
                        None => String::new(),
                    };
                    json!({ "role": message.get("role"), "content": content })
                })
                .collect();
            of_json(&same_shape)
        });
        Self {
            text: of_text(text),
            chat,
        }
    }

    /// Whether it is one of a prompt's forms.
    pub(crate) fn is_one_of(self, forms: &BTreeSet<Digest>) -> bool {
        forms.contains(&self.text) || self.chat.is_some_and(|chat| forms.contains(&chat))
    }
}

/// The forms of a prompt: its text without roles, the whole file, its messages.
pub(crate) fn forms(draft: &Draft) -> BTreeSet<Digest> {
    let mut forms: BTreeSet<Digest> = draft.aliases.iter().map(|alias| of_text(alias)).collect();
    if let [only] = draft.template.as_slice() {
        forms.insert(of_text(&only.content));
    }
    forms.insert(of_json(&messages(&draft.template)));
    forms
}

fn of_text(text: &str) -> Digest {
    let text = canonical::text(text);
    Digest::of(format!("text {}", text.trim_start_matches('\n')).as_bytes())
}

fn of_json(value: &Json) -> Digest {
    Digest::of(format!("chat {}", canonical::json(value)).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Message;

    #[test]
    fn a_prompt_is_known_in_every_form() {
        let draft = Draft {
            template: vec![Message::plain("Answer {{q}}\n")],
            aliases: vec![String::from("---\nname: x\n---\nAnswer {{q}}\n")],
            ..Draft::default()
        };
        let forms = forms(&draft);
        for (raw, known) in [
            ("Answer {{q}}", true),
            ("Answer {{q}}\r\n", true),
            ("\u{feff}Answer {{q}}\n", true),
            ("---\nname: x\n---\nAnswer {{q}}", true),
            ("Answer  {{q}}", false),
            ("", false),
        ] {
            assert_eq!(RawPrompt::of(raw).is_one_of(&forms), known, "{raw:?}");
        }
    }

    #[test]
    fn chat_arrays_are_compared_by_meaning() {
        let draft = Draft {
            template: vec![Message {
                role: String::from("user"),
                content: String::from("{{q}}"),
            }],
            ..Draft::default()
        };
        let forms = forms(&draft);
        let spaced = r#"[ { "content": "{{q}}", "role": "user" } ]"#;
        assert!(RawPrompt::of(spaced).is_one_of(&forms));
        let other = r#"[{"role":"system","content":"{{q}}"}]"#;
        assert!(!RawPrompt::of(other).is_one_of(&forms));
    }
}
