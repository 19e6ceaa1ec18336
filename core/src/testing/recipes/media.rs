use super::{Recipe, crc32, deflate_bomb, deflate_stored, either, fail, patched, read};

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let pad = vec![0; data.len() % 2];
    [name, &(data.len() as u32).to_le_bytes()[..], data, &pad].concat()
}

/// The format chunk of PCM of 16 bits at 8 kHz, but for what is asked.
fn format(channels: u16, rate_hz: u32, block: u16, bits: u16) -> Vec<u8> {
    let mut data = [1u16.to_le_bytes(), channels.to_le_bytes()].concat();
    data.extend(rate_hz.to_le_bytes());
    data.extend(rate_hz.wrapping_mul(u32::from(block)).to_le_bytes());
    data.extend([block.to_le_bytes(), bits.to_le_bytes()].concat());
    data
}

fn riff(id: &[u8; 4], chunks: &[u8]) -> Vec<u8> {
    [id, &(4 + chunks.len() as u32).to_le_bytes()[..], b"WAVE", chunks].concat()
}

/// WAV files, recipe 27. Chunks that are empty, double, odd, endless; no or very many channels.
#[must_use]
pub fn wav() -> Vec<Recipe> {
    let data: Vec<u8> = (0..64u8).collect();
    let file = |fmt: &[u8]| riff(b"RIFF", &[chunk(b"fmt ", fmt), chunk(b"data", &data)].concat());
    let mono = format(1, 8000, 2, 16);
    let plain = file(&mono);
    let second =
        |fmt: &[u8]| riff(b"RIFF", &[chunk(b"fmt ", &mono), chunk(b"fmt ", fmt), chunk(b"data", &data)].concat());
    let sizes = [u64::MAX, u64::MAX, u64::MAX].map(u64::to_le_bytes).concat();
    let rf64 = {
        let chunks = [chunk(b"ds64", &[sizes, vec![0; 4]].concat()), chunk(b"fmt ", &mono)].concat();
        let endless = [&b"data"[..], &u32::MAX.to_le_bytes(), &data].concat();
        patched(&riff(b"RF64", &[chunks, endless].concat()), 4, &u32::MAX.to_le_bytes())
    };
    vec![
        read(27, "32 samples of one channel", plain.clone()),
        fail(27, "format of 0 bytes", file(&[])),
        fail(27, "format of 7 bytes", file(&mono[..7])),
        either(27, "two formats that disagree", second(&format(2, 44_100, 4, 16))),
        fail(27, "no format before the data", riff(b"RIFF", &chunk(b"data", &data))),
        fail(27, "0 channels", file(&format(0, 8000, 0, 16))),
        either(27, "65 535 channels", file(&format(65_535, 8000, 65_534, 16))),
        either(27, "block of 0 bytes", file(&format(1, 8000, 0, 16))),
        either(27, "block that does not fit the channels", file(&format(2, 8000, 3, 16))),
        fail(27, "rate 0", file(&format(1, 0, 2, 16))),
        either(27, "rate 2^32-1", file(&format(1, u32::MAX, 2, 16))),
        fail(27, "0 bits", file(&format(1, 8000, 2, 0))),
        fail(27, "65 535 bits", file(&format(1, 8000, 2, 65_535))),
        either(27, "data of 2^32-1 bytes, as in a stream", patched(&plain, 40, &u32::MAX.to_le_bytes())),
        either(
            27,
            "odd chunk without a pad byte",
            riff(b"RIFF", &[&b"junk\x03\0\0\0abc"[..], &chunk(b"fmt ", &mono), &chunk(b"data", &data)].concat()),
        ),
        either(27, "RF64 of 2^64-1 samples", rf64),
        either(
            27,
            "chunk of 2^32-1 bytes before the data",
            riff(b"RIFF", &[&b"LIST\xff\xff\xff\xff"[..], &chunk(b"fmt ", &mono), &chunk(b"data", &data)].concat()),
        ),
        either(
            27,
            "100 000 empty chunks",
            riff(
                b"RIFF",
                &[chunk(b"junk", &[]).repeat(100_000), chunk(b"fmt ", &mono), chunk(b"data", &data)].concat(),
            ),
        ),
        either(27, "no data", riff(b"RIFF", &chunk(b"fmt ", &mono))),
    ]
}

/// Bits, most significant first, as FLAC has them.
fn big_endian_bits(fields: &[(u64, u32)]) -> Vec<u8> {
    let (mut bytes, mut used) = (Vec::new(), 0u32);
    for (value, count) in fields {
        for bit in (0..*count).rev() {
            if used.is_multiple_of(8) {
                bytes.push(0);
            }
            if let Some(last) = bytes.last_mut() {
                *last |= ((value >> bit & 1) as u8) << (7 - used % 8);
            }
            used += 1;
        }
    }
    bytes
}

fn flac_crc(bytes: &[u8], width: u32, polynomial: u32) -> u64 {
    let top = 1u32 << (width - 1);
    let crc = bytes.iter().fold(0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << (width - 8), |c, _| c << 1 ^ if c & top == 0 { 0 } else { polynomial })
    });
    u64::from(crc & (top | (top - 1)))
}

/// A frame of 16 bits whose channels are constant; `block` samples of them.
fn constant_frame(number: u64, block: u64, rate_code: u64, channels: u64) -> Vec<u8> {
    let mut frame = big_endian_bits(&[
        (0xfff8, 16),
        (7, 4),
        (rate_code, 4),
        (channels - 1, 4),
        (4, 3),
        (0, 1),
        (number, 8),
        (block - 1, 16),
    ]);
    frame.push(flac_crc(&frame, 8, 0x07) as u8);
    for channel in 0..channels {
        frame.extend(big_endian_bits(&[(0, 8), (channel + 1, 16)]));
    }
    let check = flac_crc(&frame, 16, 0x8005) as u16;
    [frame, check.to_be_bytes().to_vec()].concat()
}

fn stream_info(block: u64, rate_hz: u64, channels: u64, bits: u64, total: u64) -> Vec<u8> {
    let fields = [(block, 16), (block, 16), (0, 48), (rate_hz, 20), (channels - 1, 3), (bits - 1, 5), (total, 36)];
    [&b"fLaC\x80\0\0\x22"[..], &big_endian_bits(&fields), &[0; 16]].concat()
}

/// FLAC files, recipe 28. Channels that change, rates of 0, metadata and totals that lie, a few bytes that become gigabytes.
#[must_use]
pub fn flac() -> Vec<Recipe> {
    let file = |info: Vec<u8>, frames: &[Vec<u8>]| [info, frames.concat()].concat();
    let mono = || constant_frame(0, 192, 5, 1);
    let good = file(stream_info(192, 16_000, 1, 16, 192), &[mono()]);
    let bomb: Vec<Vec<u8>> = (0..1000).map(|i| constant_frame(i % 128, 65_535, 5, 8)).collect();
    vec![
        read(28, "one constant frame", good.clone()),
        fail(
            28,
            "channels that change",
            file(stream_info(192, 16_000, 1, 16, 384), &[mono(), constant_frame(1, 192, 5, 2)]),
        ),
        either(
            28,
            "rate that changes",
            file(stream_info(192, 16_000, 1, 16, 384), &[mono(), constant_frame(1, 192, 4, 1)]),
        ),
        fail(28, "rate 0", file(stream_info(192, 0, 1, 16, 192), &[constant_frame(0, 192, 0, 1)])),
        either(28, "blocks of 0 samples", file(stream_info(0, 16_000, 1, 16, 192), &[mono()])),
        either(28, "2^36-1 samples claimed", file(stream_info(192, 16_000, 1, 16, (1 << 36) - 1), &[mono()])),
        either(28, "another depth than the frames", file(stream_info(192, 16_000, 1, 24, 192), &[mono()])),
        either(28, "no frame", stream_info(192, 16_000, 1, 16, 192)),
        fail(28, "no stream information", [&b"fLaC"[..], &mono()].concat()),
        fail(28, "metadata beyond the end", patched(&good, 5, &[0xff, 0xff, 0xff])),
        fail(28, "metadata of 0 bytes", patched(&good, 5, &[0, 0, 0])),
        fail(28, "frame cut", good[..good.len() - 3].to_vec()),
        fail(28, "frame whose check is wrong", patched(&good, good.len() - 2, &[0, 0])),
        either(28, "35 kB that become 1 GB of samples", file(stream_info(65_535, 16_000, 8, 16, 0), &bomb)),
    ]
}

/// MP4 files, recipe 29. Boxes of size 0, 1 and less than 8, tables of 2³² entries, boxes that hold boxes for ever.
#[must_use]
pub fn mp4() -> Vec<Recipe> {
    let sized = |size: u32, name: &[u8; 4], data: &[u8]| [&size.to_be_bytes()[..], name, data].concat();
    let boxed = |name: &[u8; 4], data: &[u8]| sized(8 + data.len() as u32, name, data);
    let start = boxed(b"ftyp", b"isom\0\0\0\0isom");
    let file = |rest: &[u8]| [&start[..], rest].concat();
    let table = |name: &[u8; 4]| {
        let full = boxed(name, &[&[0; 4][..], &u32::MAX.to_be_bytes(), &[0, 0, 0, 1]].concat());
        [b"stbl", b"minf", b"mdia", b"trak", b"moov"].iter().fold(full, |inner, name| boxed(name, &inner))
    };
    let edits = boxed(b"edts", &boxed(b"elst", &[&[0; 4][..], &u32::MAX.to_be_bytes(), &[0xff; 12]].concat()));
    let deep = (0..20_000).fold(Vec::new(), |inner: Vec<u8>, _| boxed(b"moov", &inner[..inner.len().min(1 << 16)]));
    vec![
        fail(29, "box of 0 bytes first", sized(0, b"moov", &[])),
        fail(29, "box of 1 byte without its long size", file(&sized(1, b"moov", &[]))),
        fail(29, "box of 1 byte with a long size of 2^64-1", file(&sized(1, b"moov", &[0xff; 8]))),
        fail(29, "box of 7 bytes", file(&sized(7, b"moov", &[0; 8]))),
        fail(29, "stts of 2^32-1 entries", file(&table(b"stts"))),
        fail(29, "stsz of 2^32-1 entries", file(&table(b"stsz"))),
        fail(29, "stco of 2^32-1 entries", file(&table(b"stco"))),
        fail(29, "edit list of 2^32-1 entries", file(&boxed(b"moov", &boxed(b"trak", &edits)))),
        fail(29, "boxes nested thousands deep", file(&deep)),
        fail(29, "box beyond the end", file(&sized(0xffff_fff0, b"moov", &[0; 20]))),
    ]
}

/// Ogg files, recipe 29. Pages whose lacing never ends a packet.
#[must_use]
pub fn ogg() -> Vec<Recipe> {
    let page = |flags: u8, lacing: &[u8], data: &[u8]| {
        let head = [&b"OggS\0"[..], &[flags], &[0; 8], &1u32.to_le_bytes(), &[0; 8], &[lacing.len() as u8]].concat();
        let mut page = [&head, lacing, data].concat();
        let crc = page.iter().fold(0u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte) << 24, |c, _| c << 1 ^ if c >> 31 == 1 { 0x04c1_1db7 } else { 0 })
        });
        page[22..26].copy_from_slice(&crc.to_le_bytes());
        page
    };
    let endless = page(0, &[255; 255], &vec![7; 255 * 255]);
    vec![
        fail(29, "255 segments of 255 bytes that never end", endless.repeat(40)),
        fail(29, "255 segments of 255 bytes, no data", page(2, &[255; 255], &[])),
        fail(29, "no segment", page(2, &[], &[]).repeat(1000)),
        fail(29, "a wrong check", patched(&page(2, &[4], b"abcd"), 22, &[1, 2, 3, 4])),
        fail(29, "a page that continues nothing", page(1, &[4], b"abcd")),
    ]
}

fn png_chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let named = [name, data].concat();
    [&(data.len() as u32).to_be_bytes()[..], &named, &crc32(&named).to_be_bytes()].concat()
}

fn zlib(deflated: &[u8], plain: &[u8]) -> Vec<u8> {
    let (a, b) =
        plain.iter().fold((1u32, 0u32), |(a, b), v| ((a + u32::from(*v)) % 65_521, (b + a + u32::from(*v)) % 65_521));
    [&[0x78, 0x01][..], deflated, &(b << 16 | a).to_be_bytes()].concat()
}

/// PNG files, recipe 30. Sizes, palettes and texts that lie, a picture that is a bomb.
#[must_use]
pub fn png() -> Vec<Recipe> {
    let head = |width: u32, height: u32, depth: u8, colour: u8, interlace: u8| {
        let data = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, colour, 0, 0, interlace]].concat();
        png_chunk(b"IHDR", &data)
    };
    let file = |chunks: &[Vec<u8>]| [&b"\x89PNG\r\n\x1a\n"[..], &chunks.concat(), &png_chunk(b"IEND", &[])].concat();
    // 4 x 2 grey pixels: a filter byte before each row
    let rows = [0, 1, 2, 3, 4, 0, 5, 6, 7, 8];
    let grey = head(4, 2, 8, 0, 0);
    let pixels = png_chunk(b"IDAT", &zlib(&deflate_stored(&rows), &rows));
    let bomb = |length: usize| zlib(&deflate_bomb(length), &[]);
    let text = png_chunk(b"zTXt", &[&b"Comment\0\0"[..], &bomb(1 << 30)].concat());
    let plain = file(&[grey.clone(), pixels.clone()]);
    vec![
        read(30, "4 x 2 grey pixels", plain.clone()),
        fail(30, "2^31 x 2^31 pixels", file(&[head(1 << 31, 1 << 31, 8, 2, 0), pixels.clone()])),
        fail(
            30,
            "(2^31-1) x (2^31-1) pixels",
            file(&[head(i32::MAX as u32, i32::MAX as u32, 16, 6, 0), pixels.clone()]),
        ),
        fail(30, "0 pixels wide", file(&[head(0, 2, 8, 0, 0), pixels.clone()])),
        either(30, "1 MiB of text that becomes 1 GiB", file(&[grey.clone(), text, pixels.clone()])),
        either(30, "1 MiB of pixels that become 1 GiB", file(&[grey.clone(), png_chunk(b"IDAT", &bomb(1 << 30))])),
        fail(
            30,
            "1 MiB that becomes 32 768 x 32 768 pixels",
            file(&[head(1 << 15, 1 << 15, 8, 0, 0), png_chunk(b"IDAT", &bomb(1 << 30))]),
        ),
        fail(30, "palette that is missing", file(&[head(4, 2, 8, 3, 0), pixels.clone()])),
        either(
            30,
            "palette shorter than the indices",
            file(&[head(4, 2, 8, 3, 0), png_chunk(b"PLTE", &[1, 2, 3]), pixels.clone()]),
        ),
        either(
            30,
            "transparency longer than the palette",
            file(&[head(4, 2, 8, 3, 0), png_chunk(b"PLTE", &[1; 30]), png_chunk(b"tRNS", &[9; 256]), pixels.clone()]),
        ),
        fail(30, "depth of 3 bits", file(&[head(4, 2, 3, 0, 0), pixels.clone()])),
        fail(
            30,
            "unknown filter",
            file(&[grey.clone(), png_chunk(b"IDAT", &zlib(&deflate_stored(&[9; 10]), &[9; 10]))]),
        ),
        fail(30, "pixels that end early", file(&[head(4, 200, 8, 0, 0), pixels.clone()])),
        fail(30, "no pixels", file(std::slice::from_ref(&grey))),
        either(30, "interlaced, one pixel wide", file(&[head(1, 10, 8, 0, 1), pixels.clone()])),
        fail(30, "chunk beyond the end", patched(&plain, 33, &0xffff_fff0u32.to_be_bytes())),
        either(30, "100 000 empty pixel chunks", file(&[grey, png_chunk(b"IDAT", &[]).repeat(100_000), pixels])),
    ]
}

/// TIFF files, recipe 30. Directories in a circle, strips and tiles of size 0, counts that lie.
#[must_use]
pub fn tiff() -> Vec<Recipe> {
    // 4 x 2 grey pixels in one strip at byte 8, the directory behind them; `more` replaces or adds tags
    let file = |more: &[(u16, u16, u32, u32)], next: u32| {
        let mut tags = std::collections::BTreeMap::from([
            (256u16, (3u16, 1u32, 4u32)),
            (257, (3, 1, 2)),
            (258, (3, 1, 8)),
            (259, (3, 1, 1)),
            (262, (3, 1, 1)),
            (273, (4, 1, 8)),
            (277, (3, 1, 1)),
            (278, (3, 1, 2)),
            (279, (4, 1, 8)),
        ]);
        tags.extend(more.iter().map(|(tag, kind, count, value)| (*tag, (*kind, *count, *value))));
        let mut bytes = [&b"II*\0"[..], &16u32.to_le_bytes(), &[1, 2, 3, 4, 5, 6, 7, 8]].concat();
        bytes.extend((tags.len() as u16).to_le_bytes());
        for (tag, (kind, count, value)) in tags {
            bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
            bytes.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
        }
        bytes.extend(next.to_le_bytes());
        bytes
    };
    vec![
        read(30, "4 x 2 grey pixels", file(&[], 0)),
        either(30, "directory that is its own next", file(&[], 16)),
        either(30, "next directory beyond the end", file(&[], u32::MAX)),
        either(30, "strip of 0 bytes", file(&[(279, 4, 1, 0)], 0)),
        fail(30, "strip beyond the end", file(&[(273, 4, 1, u32::MAX)], 0)),
        either(30, "0 rows per strip", file(&[(278, 3, 1, 0)], 0)),
        either(30, "tiles of 0 x 0", file(&[(322, 3, 1, 0), (323, 3, 1, 0), (324, 4, 1, 8), (325, 4, 1, 8)], 0)),
        fail(30, "2^32-1 x 2^32-1 pixels", file(&[(256, 4, 1, u32::MAX), (257, 4, 1, u32::MAX)], 0)),
        fail(30, "65 535 samples per pixel", file(&[(277, 3, 1, 65_535)], 0)),
        fail(30, "tag of 2^32-1 values", file(&[(273, 4, u32::MAX, 8)], 0)),
    ]
}

/// JPEG files, recipe 30 (and 9, tables that are not defined). Huge claims, tables that lie, scans that are cut.
#[must_use]
pub fn jpeg() -> Vec<Recipe> {
    let marker = |code: u8, data: &[u8]| [&[0xff, code][..], &(2 + data.len() as u16).to_be_bytes(), data].concat();
    let quantisation = marker(0xdb, &[&[0][..], &[1; 64]].concat());
    let frame = |kind: u8, height: u16, width: u16, sampling: u8| {
        marker(kind, &[&[8][..], &height.to_be_bytes(), &width.to_be_bytes(), &[1, 1, sampling, 0]].concat())
    };
    // one code of one bit: category 0 (no difference) for DC, the end of the block for AC
    let table = |class: u8| marker(0xc4, &[&[class << 4, 1][..], &[0; 15], &[0]].concat());
    let scan = |tables: u8, data: &[u8]| [&marker(0xda, &[1, 1, tables, 0, 63, 0]), data, &[0xff, 0xd9]].concat();
    let file = |parts: &[Vec<u8>]| [&[0xff, 0xd8][..], &parts.concat()].concat();
    let tables = || [table(0), table(1)].concat();
    let with = |sof: Vec<u8>, scan: Vec<u8>| file(&[quantisation.clone(), sof, tables(), scan]);
    vec![
        read(30, "8 x 8 grey pixels", with(frame(0xc0, 8, 8, 0x11), scan(0, &[0b0011_1111]))),
        fail(30, "65 500 x 65 500 pixels from 200 bytes", with(frame(0xc0, 65_500, 65_500, 0x11), scan(0, &[0; 20]))),
        fail(30, "65 500 x 65 500 pixels, progressive", with(frame(0xc2, 65_500, 65_500, 0x11), scan(0, &[0; 20]))),
        fail(30, "0 pixels wide", with(frame(0xc0, 8, 0, 0x11), scan(0, &[0x3f]))),
        fail(30, "sampling factor 0", with(frame(0xc0, 8, 8, 0x00), scan(0, &[0x3f]))),
        either(30, "sampling factor 15", with(frame(0xc0, 8, 8, 0xff), scan(0, &[0x3f]))),
        fail(9, "scan that names undefined Huffman tables", with(frame(0xc0, 8, 8, 0x11), scan(0x33, &[0x3f]))),
        either(30, "quantisation table that is missing", file(&[frame(0xc0, 8, 8, 0x11), tables(), scan(0, &[0x3f])])),
        fail(
            30,
            "Huffman table of more codes than bits allow",
            file(&[
                quantisation.clone(),
                frame(0xc0, 8, 8, 0x11),
                marker(0xc4, &[&[0][..], &[255; 16], &[0; 200]].concat()),
                scan(0, &[0x3f]),
            ]),
        ),
        fail(30, "scan before a frame", file(&[quantisation.clone(), tables(), scan(0, &[0x3f])])),
        either(30, "scan without data", with(frame(0xc0, 8, 8, 0x11), scan(0, &[]))),
        fail(30, "segment of 0 bytes", file(&[vec![0xff, 0xdb, 0, 0], frame(0xc0, 8, 8, 0x11)])),
        fail(30, "segment beyond the end", file(&[vec![0xff, 0xe1, 0xff, 0xff, 1]])),
        fail(30, "only start marks", [0xff, 0xd8].repeat(50_000)),
        either(30, "1 MiB of fill bytes", file(&[vec![0xff; 1 << 20], vec![0xd9]])),
    ]
}

/// JPEG 2000 codestreams, recipe 30. Subsampling 0, tiles and pictures that lie.
#[must_use]
pub fn jpeg2000() -> Vec<Recipe> {
    let marker = |code: u8, data: &[u8]| [&[0xff, code][..], &(2 + data.len() as u16).to_be_bytes(), data].concat();
    let size = |picture: [u32; 2], tile: [u32; 2], components: u16, step: u8| {
        let mut data = vec![0, 0];
        for value in [picture[0], picture[1], 0, 0, tile[0], tile[1], 0, 0] {
            data.extend(value.to_be_bytes());
        }
        data.extend(components.to_be_bytes());
        data.extend([7, step, step].repeat(usize::from(components.min(16_000))));
        marker(0x51, &data)
    };
    let coding = marker(0x52, &[0, 0, 0, 1, 0, 0, 4, 4, 0, 1]);
    let quantisation = marker(0x5c, &[0x40, 0x40]);
    let tile = |length: u32| marker(0x90, &[&[0, 0][..], &length.to_be_bytes(), &[0, 1]].concat());
    let file = |size: Vec<u8>, coding: &[u8], tile: Vec<u8>| {
        [&[0xff, 0x4f][..], &size, coding, &quantisation, &tile, &[0xff, 0x93, 0, 0, 0xff, 0xd9]].concat()
    };
    let good = || size([8, 8], [8, 8], 1, 1);
    vec![
        fail(30, "subsampling 0", file(size([8, 8], [8, 8], 1, 0), &coding, tile(0))),
        fail(30, "tiles of 0 x 0", file(size([8, 8], [0, 0], 1, 1), &coding, tile(0))),
        fail(30, "2^32-1 x 2^32-1 pixels in tiles of 1 x 1", file(size([u32::MAX; 2], [1, 1], 1, 1), &coding, tile(0))),
        fail(30, "65 500 x 65 500 pixels in one tile", file(size([65_500; 2], [65_500; 2], 1, 1), &coding, tile(0))),
        fail(30, "no component", file(size([8, 8], [8, 8], 0, 1), &coding, tile(0))),
        fail(30, "16 384 components, the list cut", file(size([8, 8], [8, 8], 16_384, 1), &coding, tile(0))),
        fail(30, "0 by 0 pixels", file(size([0, 0], [8, 8], 1, 1), &coding, tile(0))),
        either(
            30,
            "255 levels of decomposition",
            file(good(), &marker(0x52, &[0, 0, 0, 1, 0, 255, 4, 4, 0, 1]), tile(0)),
        ),
        either(30, "65 535 layers", file(good(), &marker(0x52, &[0, 0, 0xff, 0xff, 0, 0, 4, 4, 0, 1]), tile(0))),
        either(
            30,
            "code blocks of 2^17 x 2^17",
            file(good(), &marker(0x52, &[0, 0, 0, 1, 0, 0, 15, 15, 0, 1]), tile(0)),
        ),
        either(30, "tile part beyond the end", file(good(), &coding, tile(u32::MAX))),
        fail(30, "no coding style", file(good(), &[], tile(0))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_right() {
        assert_eq!(flac_crc(b"123456789", 8, 0x07), 0xf4);
        assert_eq!(flac_crc(b"123456789", 16, 0x8005), 0xfee8);
        assert_eq!(zlib(&[], b"Wikipedia")[2..], 0x11e6_0398u32.to_be_bytes());
    }
}
