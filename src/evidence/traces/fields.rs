//! The fields that a request owes, after the method's list, and how a set of them is held.
//!
//! This is the only definition: the docs table, the gates and the categories read it.

/// A field of one LLM call. The discriminant is its bit in [`Mask`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    /// Production, staging, local.
    Environment,
    /// What the user or the application asked.
    Input,
    /// The request as it went to the model: messages with roles.
    Payload,
    /// Earlier turns of the conversation.
    Memory,
    /// Which template, by name or text.
    Template,
    /// The variables put into the template.
    Variables,
    /// The version of the template.
    PromptVersion,
    /// Documents that retrieval found.
    Documents,
    /// The documents' scores.
    DocumentScores,
    /// The provider.
    Provider,
    /// The model.
    Model,
    /// The temperature.
    Temperature,
    /// The limit on output tokens.
    MaxTokens,
    /// Other parameters.
    Parameters,
    /// Tool calls with their arguments.
    ToolCalls,
    /// What the tools answered, or how they failed.
    ToolResults,
    /// The final output.
    Output,
    /// Steps after the model.
    PostProcessing,
    /// How long it took.
    Latency,
    /// Input and output tokens.
    Tokens,
    /// What it cost.
    Cost,
    /// What went wrong.
    Errors,
    /// What was tried instead.
    Fallbacks,
    /// The application release that made the call.
    Release,
}

/// What is said of a field: its key, the group of the method's list that it belongs to, when
/// it applies, and the attributes that show it.
pub(crate) struct About {
    /// The field.
    pub(crate) field: Field,
    /// Its key in output.
    pub(crate) id: &'static str,
    /// The entry of the method's list.
    pub(crate) group: &'static str,
    /// When it applies.
    pub(crate) applies: &'static str,
    /// Where it is read.
    pub(crate) read_from: &'static str,
}

macro_rules! fields {
    ($($field:ident $id:literal $group:literal $applies:literal $read:literal)*) => {
        /// Every field, in the order of the method.
        pub(crate) const FIELDS: &[About] = &[$(About {
            field: Field::$field,
            id: $id,
            group: $group,
            applies: $applies,
            read_from: $read,
        },)*];
    };
}

fields! {
    Environment "environment" "environment" "always"
        "resource `deployment.environment.name`, older `deployment.environment`"
    Input "input" "input and payload" "always"
        "`gen_ai.input.messages`; older `gen_ai.prompt`, `gen_ai.prompt.N.content`, event `gen_ai.content.prompt`"
    Payload "payload" "input and payload" "always"
        "`gen_ai.input.messages`; older `gen_ai.prompt.N.role`"
    Memory "memory" "memory" "the call belongs to a conversation (`gen_ai.conversation.id`)"
        "the earlier turns in the recorded payload"
    Template "template" "template, variables, version" "always"
        "`gen_ai.prompt.name`"
    Variables "variables" "template, variables, version" "the prompt version uses variables"
        "`gen_ai.prompt.variable.*`"
    PromptVersion "prompt_version" "template, variables, version" "always"
        "`gen_ai.prompt.version`"
    Documents "documents" "retrieved documents" "the trace has a retrieval span"
        "`gen_ai.retrieval.documents` on every retrieval span"
    DocumentScores "document_scores" "retrieved documents" "the trace has a retrieval span"
        "`score` in every entry of `gen_ai.retrieval.documents`"
    Provider "provider" "model and parameters" "always"
        "`gen_ai.provider.name`, older `gen_ai.system`"
    Model "model" "model and parameters" "always"
        "`gen_ai.request.model`, `gen_ai.response.model`"
    Temperature "temperature" "model and parameters" "the prompt version sets it, or it is recorded"
        "`gen_ai.request.temperature`"
    MaxTokens "max_tokens" "model and parameters" "the prompt version sets it, or it is recorded"
        "`gen_ai.request.max_tokens`"
    Parameters "parameters" "model and parameters" "the prompt version sets others, or they are recorded"
        "other `gen_ai.request.*`, older `gen_ai.openai.request.*`"
    ToolCalls "tool_calls" "tool calls" "the trace runs a tool, or the model asks for one"
        "`gen_ai.tool.name` and `gen_ai.tool.call.arguments`"
    ToolResults "tool_results" "tool calls" "the trace runs a tool, or the model asks for one"
        "`gen_ai.tool.call.result`, or `error.type` of a failed tool"
    Output "output" "output and post-processing" "the call did not fail"
        "`gen_ai.output.messages`; older `gen_ai.completion`, `gen_ai.completion.N.content`, event `gen_ai.content.completion`"
    PostProcessing "post_processing" "output and post-processing" "the trace has a post-processing span"
        "a span whose name says `post_process`, with start and end"
    Latency "latency" "latency, tokens, cost" "always"
        "start and end of the span"
    Tokens "tokens" "latency, tokens, cost" "the call did not fail"
        "`gen_ai.usage.input_tokens` and `.output_tokens`; older `.prompt_tokens` and `.completion_tokens`"
    Cost "cost" "latency, tokens, cost" "the call did not fail"
        "`gen_ai.usage.cost`, `gen_ai.usage.total_cost`, `llm.cost.total`; else estimated from tokens and the policy's `prices`"
    Errors "errors" "errors and fallbacks" "the call failed"
        "`error.type`, the status message, or an `exception` event"
    Fallbacks "fallbacks" "errors and fallbacks" "the call failed and another follows in the trace"
        "`gen_ai.request.model` of the call that follows"
    Release "release" "release" "always"
        "resource `service.version`"
}

/// A set of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Mask(u32);

impl Mask {
    /// The set of some fields.
    pub(crate) fn of(fields: &[Field]) -> Self {
        fields.iter().fold(Self::default(), |mut mask, field| {
            mask.set(*field, true);
            mask
        })
    }

    /// Adds or removes a field.
    pub(crate) fn set(&mut self, field: Field, on: bool) {
        let bit = 1 << (field as u32);
        if on {
            self.0 |= bit;
        } else {
            self.0 &= !bit;
        }
    }

    /// Tells whether a field is in the set.
    pub(crate) const fn has(self, field: Field) -> bool {
        self.0 & (1 << (field as u32)) != 0
    }

    /// The fields of both sets.
    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Tells whether every field of `needed` that is in `applicable` is in this set.
    pub(crate) const fn covers(self, needed: Self, applicable: Self) -> bool {
        needed.0 & applicable.0 & !self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lists_every_field_once_in_order() {
        for (index, about) in FIELDS.iter().enumerate() {
            assert_eq!(about.field as usize, index, "{}", about.id);
        }
        assert_eq!(FIELDS.len(), Field::Release as usize + 1);
    }

    #[test]
    fn fields_that_do_not_apply_are_not_missed() {
        let needed = Mask::of(&[Field::Input, Field::Documents]);
        let present = Mask::of(&[Field::Input]);
        assert!(present.covers(needed, Mask::of(&[Field::Input])));
        assert!(!present.covers(needed, needed));
    }
}
