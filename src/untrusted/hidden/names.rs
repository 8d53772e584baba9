//! What Unicode calls the characters that nobody sees.

use icu_properties::props::GeneralCategory;

use super::scripts;

/// A hidden character as Unicode names it: `U+202E RIGHT-TO-LEFT OVERRIDE`.
pub(crate) fn name(c: char) -> String {
    let number = u32::from(c);
    let name = NAMES.iter().find(|(named, _)| *named == c);
    let name = match (c, name) {
        (_, Some((_, name))) => (*name).to_owned(),
        ('\u{FE00}'..='\u{FE0F}', _) => format!("VARIATION SELECTOR-{}", number - 0xFE00 + 1),
        ('\u{E0100}'..='\u{E01EF}', _) => format!("VARIATION SELECTOR-{}", number - 0xE0100 + 17),
        ('\u{E0020}'..='\u{E007E}', _) => {
            let ascii = char::from_u32(number - 0xE0000).unwrap_or(' ');
            format!("TAG of `{ascii}`")
        }
        _ => String::from(match scripts::category(c) {
            GeneralCategory::Control => "a control character",
            GeneralCategory::PrivateUse => "a private use character",
            GeneralCategory::Unassigned => "a noncharacter, or one that is reserved",
            _ => "an invisible character",
        }),
    };
    format!("U+{number:04X} {name}")
}

const NAMES: &[(char, &str)] = &[
    ('\u{0000}', "NULL"),
    ('\u{0008}', "BACKSPACE"),
    ('\u{000D}', "CARRIAGE RETURN"),
    ('\u{001B}', "ESCAPE"),
    ('\u{007F}', "DELETE"),
    ('\u{0085}', "NEXT LINE"),
    ('\u{00AD}', "SOFT HYPHEN"),
    ('\u{034F}', "COMBINING GRAPHEME JOINER"),
    ('\u{061C}', "ARABIC LETTER MARK"),
    ('\u{115F}', "HANGUL CHOSEONG FILLER"),
    ('\u{1160}', "HANGUL JUNGSEONG FILLER"),
    ('\u{17B4}', "KHMER VOWEL INHERENT AQ"),
    ('\u{17B5}', "KHMER VOWEL INHERENT AA"),
    ('\u{180B}', "MONGOLIAN FREE VARIATION SELECTOR ONE"),
    ('\u{180C}', "MONGOLIAN FREE VARIATION SELECTOR TWO"),
    ('\u{180D}', "MONGOLIAN FREE VARIATION SELECTOR THREE"),
    ('\u{180E}', "MONGOLIAN VOWEL SEPARATOR"),
    ('\u{180F}', "MONGOLIAN FREE VARIATION SELECTOR FOUR"),
    ('\u{200B}', "ZERO WIDTH SPACE"),
    ('\u{200C}', "ZERO WIDTH NON-JOINER"),
    ('\u{200D}', "ZERO WIDTH JOINER"),
    ('\u{200E}', "LEFT-TO-RIGHT MARK"),
    ('\u{200F}', "RIGHT-TO-LEFT MARK"),
    ('\u{2028}', "LINE SEPARATOR"),
    ('\u{2029}', "PARAGRAPH SEPARATOR"),
    ('\u{202A}', "LEFT-TO-RIGHT EMBEDDING"),
    ('\u{202B}', "RIGHT-TO-LEFT EMBEDDING"),
    ('\u{202C}', "POP DIRECTIONAL FORMATTING"),
    ('\u{202D}', "LEFT-TO-RIGHT OVERRIDE"),
    ('\u{202E}', "RIGHT-TO-LEFT OVERRIDE"),
    ('\u{2060}', "WORD JOINER"),
    ('\u{2061}', "FUNCTION APPLICATION"),
    ('\u{2062}', "INVISIBLE TIMES"),
    ('\u{2063}', "INVISIBLE SEPARATOR"),
    ('\u{2064}', "INVISIBLE PLUS"),
    ('\u{2066}', "LEFT-TO-RIGHT ISOLATE"),
    ('\u{2067}', "RIGHT-TO-LEFT ISOLATE"),
    ('\u{2068}', "FIRST STRONG ISOLATE"),
    ('\u{2069}', "POP DIRECTIONAL ISOLATE"),
    ('\u{206A}', "INHIBIT SYMMETRIC SWAPPING"),
    ('\u{206B}', "ACTIVATE SYMMETRIC SWAPPING"),
    ('\u{206C}', "INHIBIT ARABIC FORM SHAPING"),
    ('\u{206D}', "ACTIVATE ARABIC FORM SHAPING"),
    ('\u{206E}', "NATIONAL DIGIT SHAPES"),
    ('\u{206F}', "NOMINAL DIGIT SHAPES"),
    ('\u{2800}', "BRAILLE PATTERN BLANK"),
    ('\u{3164}', "HANGUL FILLER"),
    ('\u{FEFF}', "ZERO WIDTH NO-BREAK SPACE"),
    ('\u{FFA0}', "HALFWIDTH HANGUL FILLER"),
    ('\u{FFF9}', "INTERLINEAR ANNOTATION ANCHOR"),
    ('\u{FFFA}', "INTERLINEAR ANNOTATION SEPARATOR"),
    ('\u{FFFB}', "INTERLINEAR ANNOTATION TERMINATOR"),
    ('\u{FFFC}', "OBJECT REPLACEMENT CHARACTER"),
    ('\u{16FE4}', "KHITAN SMALL SCRIPT FILLER"),
    ('\u{1D159}', "MUSICAL SYMBOL NULL NOTEHEAD"),
    ('\u{E0001}', "LANGUAGE TAG"),
    ('\u{E007F}', "CANCEL TAG"),
];
