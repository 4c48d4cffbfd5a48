//! PEM texts as they arrive. Shells, `.env` files, YAML, JSON, secret stores and editors turn line ends into blanks, escapes
//! or nothing, and add quotes, byte order marks and base64; what stands between the armour stays unambiguous. Pure.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN";
const END: &str = "-----END";
const DASHES: &str = "-----";
/// Base64 by the user and once more by a secret store.
const MOST_LAYERS: usize = 3;

/// One armoured text.
pub struct Block {
    /// Its label without spaces: `RSAPRIVATEKEY`.
    pub label: Zeroizing<String>,
    /// The text between the armour lines, reduced to base64 characters.
    pub body: Zeroizing<String>,
    /// Whether it has its end line.
    pub has_end: bool,
}

impl Block {
    /// The decoded bytes; `None`: the base64 is incomplete or damaged.
    pub fn der(&self) -> Option<Zeroizing<Vec<u8>>> {
        decode(&self.body)
    }
}

/// The armoured texts in a key's bytes, after removing base64 around them, and the text itself in case there are none.
pub fn read(bytes: &[u8]) -> (Vec<Block>, Zeroizing<String>) {
    let mut text = to_text(bytes);
    for _ in 0..MOST_LAYERS {
        if text.contains(BEGIN) {
            break;
        }
        let Some(inner) = decode(&strip(&text)).filter(|inner| is_text(inner)) else { break };
        text = to_text(&inner);
    }
    (blocks(&text), text)
}

/// Decodes a text without armour from base64, in either alphabet.
pub fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let standard = |byte| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    };
    let text: Zeroizing<Vec<u8>> = Zeroizing::new(text.bytes().map(standard).collect());
    GeneralPurpose::new(&STANDARD, config).decode(&*text).ok().map(Zeroizing::new)
}

fn blocks(text: &str) -> Vec<Block> {
    let block = |rest: &str| {
        let (label, rest) = rest.split_once(DASHES).unwrap_or((rest, ""));
        let (body, has_end) = rest.split_once(END).map_or((rest, false), |(body, _)| (body, true));
        let mut label = strip(label);
        label.make_ascii_uppercase();
        Block { label, body: strip(body), has_end }
    };
    text.split(BEGIN).skip(1).map(block).collect()
}

/// UTF-8, or what Windows writes: UTF-16 with a byte order mark.
fn to_text(bytes: &[u8]) -> Zeroizing<String> {
    let pair: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return Zeroizing::new(String::from_utf8_lossy(bytes).into_owned()),
    };
    let units: Zeroizing<Vec<u16>> =
        Zeroizing::new(bytes[2..].chunks_exact(2).map(|two| pair([two[0], two[1]])).collect());
    Zeroizing::new(String::from_utf16_lossy(&units))
}

fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok() || bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])
}

/// Removes line ends in every form, escaped any number of times, quotes, commas between quoted lines, and invisible
/// marks.
pub fn strip(text: &str) -> Zeroizing<String> {
    let mut kept = Zeroizing::new(String::with_capacity(text.len()));
    let mut escaped = false;
    for letter in text.chars() {
        let is_escape = letter == '\\';
        let is_dressing =
            letter.is_whitespace() || matches!(letter, '"' | '\'' | ',' | '\u{feff}' | '\u{200b}');
        if !(is_escape || is_dressing || escaped && matches!(letter, 'n' | 'r' | 't')) {
            kept.push(letter);
        }
        escaped = is_escape;
    }
    kept
}
