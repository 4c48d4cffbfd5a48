//! Unrequested gzip answers, made without a compressor.

/// A gzip member of stored blocks (RFC 1951 and 1952), which inflates to the content.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01".to_vec();
    let length = u16::try_from(content.len()).expect("one block");
    bytes.extend(length.to_le_bytes());
    bytes.extend((!length).to_le_bytes());
    bytes.extend(content);
    let mut crc = u32::MAX;
    for byte in content {
        crc ^= u32::from(*byte);
        (0..8).for_each(|_| crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 });
    }
    bytes.extend((!crc).to_le_bytes());
    bytes.extend(u32::from(length).to_le_bytes());
    bytes
}

/// Three megabytes of gzip that would become about half a gigabyte: one fixed block whose every copy is 258 bytes long.
pub fn gzip_bomb() -> Vec<u8> {
    let mut bits: Vec<bool> = vec![true, true, false];
    bits.extend([false, false, true, true, false, false, false, false]); // the literal 0
    let copy = [true, true, false, false, false, true, false, true, false, false, false, false, false];
    // Eight copies are thirteen whole bytes; the three bits and the literal shift all of them.
    (0..8).for_each(|_| bits.extend(copy));
    let pack = |bits: &[bool]| -> Vec<u8> {
        bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, bit| sum << 1 | u8::from(*bit))).collect()
    };
    let start = pack(&bits[..24]);
    let round: Vec<bool> = bits[24..].iter().chain(&bits[11..24]).copied().collect();
    let round = pack(&round);
    let mut bytes = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    bytes.extend(start);
    bytes.extend(round.repeat((3 << 20) / round.len()));
    bytes
}
