//! What Unicode says of a character, as far as it tells spelling from smuggling.

use icu_properties::props::{
    BidiClass, DefaultIgnorableCodePoint, Emoji, GeneralCategory, JoiningType,
    NoncharacterCodePoint, PrependedConcatenationMark, Script, UnifiedIdeograph,
};
use icu_properties::{CodePointMapData, CodePointSetData};

pub(super) fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

/// Tells whether `c` shows nothing, or nothing that means anything by itself, wherever it
/// stands: controls, format characters, fillers, private use, noncharacters.
pub(super) fn is_unseen(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control() && !matches!(c, '\n' | '\t');
    }
    matches!(
        category(c),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::PrivateUse
    ) || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || CodePointSetData::new::<NoncharacterCodePoint>().contains(c)
        // Blank by their picture only, and the place of an object that is not there.
        || matches!(c, '\u{2800}' | '\u{FFFC}' | '\u{16FE4}' | '\u{1D159}')
}

/// Characters that are shown as emoji, or can be. Digits are emoji only with a keycap.
pub(super) fn is_emoji(c: char) -> bool {
    !c.is_ascii() && CodePointSetData::new::<Emoji>().contains(c)
}

pub(super) fn is_ideograph(c: char) -> bool {
    CodePointSetData::new::<UnifiedIdeograph>().contains(c)
}

pub(super) const fn is_mongolian(c: char) -> bool {
    matches!(c, '\u{1820}'..='\u{18AA}')
}

pub(super) const fn is_braille(c: char) -> bool {
    matches!(c, '\u{2801}'..='\u{28FF}')
}

/// Signs that are written under or over the digits that follow, as the Arabic number sign.
pub(super) fn is_prepended(c: char) -> bool {
    CodePointSetData::new::<PrependedConcatenationMark>().contains(c)
}

/// Vowels of Korean that are spelled in parts.
pub(super) const fn is_jungseong(c: char) -> bool {
    matches!(c, '\u{1161}'..='\u{11A7}' | '\u{D7B0}'..='\u{D7C6}')
}

/// The parts that Korean syllables are spelled with.
pub(super) const fn is_jamo(c: char) -> bool {
    matches!(
        c,
        '\u{1100}'..='\u{115E}' | '\u{1161}'..='\u{11FF}' | '\u{A960}'..='\u{A97C}' | '\u{D7B0}'..='\u{D7FB}'
    )
}

/// Scripts that decide with an invisible character how letters join: Arabic and its relatives,
/// those of India and of South-East Asia. Blocks, not scripts: marks and digits belong to them.
pub(super) fn takes_joiner(c: char) -> bool {
    matches!(
        c,
        '\u{0620}'..='\u{0DFF}'
            | '\u{0F00}'..='\u{109F}'
            | '\u{1700}'..='\u{18AF}'
            | '\u{1900}'..='\u{1CFF}'
            | '\u{A800}'..='\u{A8FF}'
            | '\u{A980}'..='\u{ABFF}'
            | '\u{FB50}'..='\u{FDFF}'
            | '\u{FE70}'..='\u{FEFC}'
            | '\u{10A00}'..='\u{10FFF}'
            | '\u{11000}'..='\u{11FFF}'
            | '\u{1E900}'..='\u{1E95F}'
    ) && !is_unseen(c)
}

/// Whether two letters that follow each other are joined without any help.
pub(super) fn are_joined(before: char, after: char) -> bool {
    let joining = CodePointMapData::<JoiningType>::new();
    matches!(
        joining.get(before),
        JoiningType::DualJoining | JoiningType::LeftJoining | JoiningType::JoinCausing
    ) && matches!(
        joining.get(after),
        JoiningType::DualJoining | JoiningType::RightJoining | JoiningType::JoinCausing
    )
}

/// Scripts that write no spaces and may mark where a line can break.
pub(super) fn is_unspaced(c: char) -> bool {
    !c.is_ascii()
        && matches!(
            CodePointMapData::<Script>::new().get(c),
            Script::Thai
                | Script::Lao
                | Script::Myanmar
                | Script::Khmer
                | Script::Tibetan
                | Script::Javanese
                | Script::Balinese
                | Script::Sundanese
                | Script::TaiTham
                | Script::NewTaiLue
                | Script::TaiLe
                | Script::TaiViet
                | Script::Cham
                | Script::Han
                | Script::Hiragana
                | Script::Katakana
                | Script::Bopomofo
                | Script::Yi
        )
}

/// The way that a character makes text run: from right to left or not. `None` where it takes
/// the way of its neighbours, as spaces and signs do.
pub(super) fn is_right_to_left(c: char) -> Option<bool> {
    if c.is_ascii() {
        return c.is_ascii_alphabetic().then_some(false);
    }
    match CodePointMapData::<BidiClass>::new().get(c) {
        BidiClass::RightToLeft | BidiClass::ArabicLetter => Some(true),
        BidiClass::LeftToRight => Some(false),
        _ => None,
    }
}

/// Tells whether there is such a variant of a character. Of ideographs the first selectors of
/// either block: the Ideographic Variation Database has registered fewer for each of them.
pub(super) fn has_variant(base: char, selector: char) -> bool {
    match selector {
        '\u{FE00}' => is_ideograph(base) || has_first_variant(base),
        '\u{FE01}' => is_ideograph(base) || has_second_variant(base),
        '\u{FE02}' | '\u{E0100}'..='\u{E012F}' => is_ideograph(base),
        '\u{FE0E}' | '\u{FE0F}' => is_emoji(base),
        '\u{180B}'..='\u{180D}' | '\u{180F}' => is_mongolian(base),
        _ => false,
    }
}

/// Tells whether there is any variant of a character, emoji apart.
pub(super) fn has_variants(base: char) -> bool {
    is_ideograph(base) || is_mongolian(base) || has_first_variant(base)
}

/// `StandardizedVariants.txt` of Unicode 15.0 with U+FE00: letters of Burmese, mathematical
/// signs, punctuation of East Asia, Phags-pa and Manichaean; without hieroglyphs.
const fn has_first_variant(base: char) -> bool {
    matches!(
        base,
        '0' | '\u{1000}' | '\u{1002}' | '\u{1004}' | '\u{1010}'..='\u{1011}' | '\u{1015}'
            | '\u{1019}'..='\u{101A}' | '\u{101C}'..='\u{101D}' | '\u{1022}' | '\u{1031}'
            | '\u{1075}' | '\u{1078}' | '\u{107A}' | '\u{1080}' | '\u{2205}'
            | '\u{2229}'..='\u{222A}' | '\u{2268}'..='\u{2269}' | '\u{2272}'..='\u{2273}'
            | '\u{228A}'..='\u{228B}' | '\u{2293}'..='\u{2295}' | '\u{2297}' | '\u{229C}'
            | '\u{22DA}'..='\u{22DB}' | '\u{2A3C}'..='\u{2A3D}' | '\u{2A9D}'..='\u{2A9E}'
            | '\u{2AAC}'..='\u{2AAD}' | '\u{2ACB}'..='\u{2ACC}' | '\u{A856}' | '\u{A85C}'
            | '\u{A85E}'..='\u{A860}' | '\u{A868}' | '\u{AA60}'..='\u{AA66}'
            | '\u{AA6B}'..='\u{AA6C}' | '\u{AA6F}' | '\u{AA7A}' | '\u{FF10}'
            | '\u{10AC5}'..='\u{10AC6}' | '\u{10AD6}'..='\u{10AD7}' | '\u{10AE1}'
    ) || has_second_variant(base)
}

/// The same with U+FE01: script capitals, and punctuation of East Asia.
const fn has_second_variant(base: char) -> bool {
    matches!(
        base,
        '\u{210B}' | '\u{2110}' | '\u{2112}' | '\u{211B}' | '\u{212C}' | '\u{2130}'..='\u{2131}'
            | '\u{2133}' | '\u{3001}'..='\u{3002}' | '\u{FF01}' | '\u{FF0C}' | '\u{FF0E}'
            | '\u{FF1A}'..='\u{FF1B}' | '\u{FF1F}'
    )
}
