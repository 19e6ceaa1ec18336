use super::{Recipe, crc32, deflate_bomb, deflate_stored, either, fail, patched, read};

/// JSON documents, recipe 31. Nesting, numbers, keys and characters at the edge of what JSON says.
#[must_use]
pub fn json() -> Vec<Recipe> {
    vec![
        fail(31, "arrays nested 100 000 deep, never closed", "[".repeat(100_000)),
        either(31, "arrays nested 100 000 deep", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))),
        either(31, "objects nested 100 000 deep", format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000))),
        either(31, "the number 1e999", "{\"images\":[],\"annotations\":[],\"categories\":[],\"x\":1e999}"),
        either(31, "a number of 1 MiB", format!("{{\"x\":{}}}", "9".repeat(1 << 20))),
        either(31, "an exponent of 30 digits", format!("{{\"x\":1e{}}}", "9".repeat(30))),
        either(31, "a key twice", "{\"images\":[],\"images\":[{\"id\":1}],\"annotations\":[],\"categories\":[]}"),
        either(31, "half a surrogate", "{\"x\":\"\\ud800\"}"),
        either(31, "surrogates in the wrong order", "{\"x\":\"\\udc00\\ud800\"}"),
        fail(31, "bytes that are no text", b"{\"x\":\"\xff\xfe\"}".to_vec()),
        either(31, "byte order mark", "\u{feff}{\"images\":[]}"),
        fail(31, "bytes behind the end", "{} x"),
        fail(31, "comma at the end", "{\"x\":[1,]}"),
        fail(31, "string without an end", format!("{{\"x\":\"{}", "y".repeat(1 << 20))),
        fail(31, "control character in a string", "{\"x\":\"a\u{1}b\"}"),
        fail(31, "nothing", ""),
    ]
}

/// XML documents, recipe 32. Entities that grow, addresses to fetch, a million attributes.
#[must_use]
pub fn xml() -> Vec<Recipe> {
    let lols: String = (1..10).map(|i| format!("<!ENTITY l{i} \"{}\">", format!("&l{};", i - 1).repeat(10))).collect();
    let with = |entities: &str, body: &str| format!("<?xml version=\"1.0\"?><!DOCTYPE a [{entities}]><a>{body}</a>");
    let attributes: String = (0..1_000_000).map(|i| format!(" a{i}=\"\"")).collect();
    let utf16: Vec<u8> =
        "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        fail(32, "entities that become 10^9 words", with(&format!("<!ENTITY l0 \"lol\">{lols}"), "&l9;")),
        fail(32, "an entity that is its own", with("<!ENTITY a \"&b;\"><!ENTITY b \"&a;\">", "&a;")),
        fail(
            32,
            "an entity of 64 KiB used 64 000 times",
            with(&format!("<!ENTITY a \"{}\">", "x".repeat(1 << 16)), &"&a;".repeat(64_000)),
        ),
        either(32, "a definition to fetch", "<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/a.dtd\"><a/>"),
        fail(32, "a file to fetch", with("<!ENTITY a SYSTEM \"file:///etc/passwd\">", "&a;")),
        either(32, "10^6 attributes (two of one name at the end)", format!("<a{} a0=\"\"/>", &attributes[..4 << 20])),
        either(32, "elements nested 100 000 deep", format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000))),
        fail(32, "elements that cross", "<a><b></a></b>"),
        fail(32, "elements without an end", "<a>".repeat(100_000)),
        either(32, "UTF-16", utf16),
        fail(32, "a character that XML has not", "<a>&#0;</a>"),
    ]
}

/// Safetensors files, recipe 33. Headers, offsets and shapes that lie; weights that are no numbers.
#[must_use]
pub fn safetensors() -> Vec<Recipe> {
    let file = |header: &str, data: &[u8]| [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat();
    let one = |shape: &str, offsets: &str, data: &[u8]| {
        file(&format!("{{\"a\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":{offsets}}}}}"), data)
    };
    let two = |first: &str, second: &str| {
        let entry = |name: &str, offsets: &str| {
            format!("\"{name}\":{{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":{offsets}}}")
        };
        file(&format!("{{{},{}}}", entry("a", first), entry("b", second)), &[0; 16])
    };
    let good = one("[2,2]", "[0,16]", &[0; 16]);
    let length = |value: u64| patched(&good, 0, &value.to_le_bytes());
    let twice = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}";
    let unaligned = "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]}}";
    vec![
        read(33, "one tensor", good.clone()),
        fail(33, "header of 2^63 bytes", length(1 << 63)),
        fail(33, "header of 2^64-1 bytes", length(u64::MAX)),
        fail(33, "header of 100 000 001 bytes", length(100_000_001)),
        fail(33, "header of 0 bytes", length(0)),
        fail(33, "offsets that overlap", two("[0,8]", "[4,12]")),
        fail(33, "offsets with a gap", two("[0,8]", "[12,20]")),
        fail(33, "offsets that end before they begin", one("[2,2]", "[16,0]", &[0; 16])),
        fail(33, "offsets beyond 2^64", one("[2,2]", "[0,99999999999999999999999]", &[0; 16])),
        fail(33, "negative offset", one("[2,2]", "[-16,0]", &[0; 16])),
        either(33, "offsets that are not aligned", file(unaligned, &[1, 0, 0, 0, 0])),
        fail(33, "shape whose product is beyond 2^64", one("[4294967296,4294967296,4]", "[0,16]", &[0; 16])),
        fail(33, "shape that does not fit its bytes", one("[3,2]", "[0,16]", &[0; 16])),
        fail(33, "data that is cut", one("[2,2]", "[0,16]", &[0; 15])),
        fail(33, "data that is too long", one("[2,2]", "[0,16]", &[0; 17])),
        fail(33, "a weight that is NaN", one("[1]", "[0,4]", &f32::NAN.to_le_bytes())),
        fail(33, "a weight that is infinite", one("[1]", "[0,4]", &f32::NEG_INFINITY.to_le_bytes())),
        fail(33, "unknown type", file("{\"a\":{\"dtype\":\"X9\",\"shape\":[1],\"data_offsets\":[0,4]}}", &[0; 4])),
        fail(33, "a tensor twice", file(twice, &[0; 8])),
        fail(33, "header nested 100 000 deep", file(&"{\"a\":".repeat(100_000), &[])),
        either(33, "500 000 axes of one", one(&format!("[{}1]", "1,".repeat(500_000)), "[0,4]", &[0; 4])),
    ]
}

/// A file of a zip archive: name, compression (0 stored, 8 deflated), bytes as they stand there, size they say, check, and
/// the attributes of Unix.
struct Entry<'a> {
    name: &'a str,
    method: u16,
    packed: Vec<u8>,
    size: u32,
    crc: u32,
    mode: u32,
}

impl<'a> Entry<'a> {
    fn stored(name: &'a str, bytes: &[u8]) -> Self {
        let (packed, size) = (bytes.to_vec(), bytes.len() as u32);
        Self { name, method: 0, packed, size, crc: crc32(bytes), mode: 0o100_644 }
    }
}

fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
    let (mut files, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let common = [
            &[20, 0, 0, 0][..],
            &entry.method.to_le_bytes(),
            &[0, 0, 0x21, 0x28],
            &entry.crc.to_le_bytes(),
            &(entry.packed.len() as u32).to_le_bytes(),
            &entry.size.to_le_bytes(),
            &(entry.name.len() as u16).to_le_bytes(),
            &[0, 0],
        ]
        .concat();
        let offset = files.len() as u32;
        files.extend([&b"PK\x03\x04"[..], &common, entry.name.as_bytes(), &entry.packed].concat());
        let mode = (entry.mode << 16).to_le_bytes();
        directory.extend(
            [&b"PK\x01\x02\x14\x03"[..], &common, &[0; 6], &mode, &offset.to_le_bytes(), entry.name.as_bytes()]
                .concat(),
        );
    }
    let count = (entries.len() as u16).to_le_bytes();
    let (size, offset) = ((directory.len() as u32).to_le_bytes(), (files.len() as u32).to_le_bytes());
    [&files[..], &directory, b"PK\x05\x06\0\0\0\0", &count, &count, &size, &offset, &[0, 0]].concat()
}

/// Zip archives, recipe 34, that hold a WFDB record `r` (header `r.hea`, samples `r.dat`) or claim to.
#[must_use]
pub fn zip() -> Vec<Recipe> {
    let header = || Entry::stored("r.hea", b"r 1 250 4\nr.dat 16 200 16 0 0 0 0 I\n");
    let samples = || Entry::stored("r.dat", &[1, 0, 2, 0, 3, 0, 4, 0]);
    let packed = |name, packed: Vec<u8>, size, crc| Entry { method: 8, packed, size, crc, ..Entry::stored(name, &[]) };
    let bomb = || packed("r.dat", deflate_bomb(1 << 30), 1 << 30, 0);
    let good = archive(&[header(), samples()]);
    let end = good.len() - 22;
    vec![
        read(34, "one record", good.clone()),
        fail(
            34,
            "paths that lead out",
            archive(&[Entry::stored("../../r.hea", b"r 0 1 1\n"), Entry::stored("/etc/r.dat", b"x")]),
        ),
        fail(
            34,
            "a link in place of the samples",
            archive(&[header(), Entry { mode: 0o120_777, ..Entry::stored("r.dat", b"/etc/passwd") }]),
        ),
        fail(34, "1 MiB that becomes 1 GiB", archive(&[header(), bomb()])),
        fail(34, "1 MiB that becomes 1 GiB and says 8 bytes", archive(&[header(), Entry { size: 8, ..bomb() }])),
        fail(
            34,
            "8 bytes that say 4 GiB",
            archive(&[header(), packed("r.dat", deflate_stored(&[1, 0, 2, 0, 3, 0, 4, 0]), 0xffff_fff0, 0)]),
        ),
        fail(
            34,
            "100 headers of 32 MiB each",
            archive(&(0..100).map(|_| packed("r.hea", deflate_bomb(1 << 25), 1 << 25, 0)).collect::<Vec<_>>()),
        ),
        either(34, "two files of one name", archive(&[header(), samples(), Entry::stored("r.dat", &[9; 8])])),
        fail(34, "a check that is wrong", archive(&[header(), Entry { crc: 1, ..samples() }])),
        fail(34, "an unknown compression", archive(&[header(), Entry { method: 99, ..samples() }])),
        either(34, "65 535 files claimed", patched(&good, end + 8, &[0xff; 4])),
        fail(34, "directory beyond the end", patched(&good, end + 16, &0xffff_fff0u32.to_le_bytes())),
        either(34, "directory of 4 GiB", patched(&good, end + 12, &0xffff_fff0u32.to_le_bytes())),
        fail(34, "no directory", good[..end - 40].to_vec()),
        either(34, "bytes before the archive", [&[7; 100][..], &good].concat()),
        fail(34, "only end records", good[end..].repeat(2000)),
    ]
}

/// Thrift's compact encoding, as much as a Parquet file needs.
mod thrift {
    pub(super) fn varint(mut value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value > 0x7f {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    }

    pub(super) fn number(value: i64) -> Vec<u8> {
        varint((value << 1 ^ value >> 63) as u64)
    }

    pub(super) fn text(value: &str) -> Vec<u8> {
        [varint(value.len() as u64), value.as_bytes().to_vec()].concat()
    }

    pub(super) fn list(kind: u8, items: &[Vec<u8>]) -> Vec<u8> {
        [vec![(items.len().min(14) as u8) << 4 | kind], items.concat()].concat()
    }

    /// A structure of (field, type, encoded value); types: 5 i32, 6 i64, 8 text, 9 list, 12 structure.
    pub(super) fn structure(fields: &[(u8, u8, Vec<u8>)]) -> Vec<u8> {
        let mut before = 0;
        let mut bytes = Vec::new();
        for (field, kind, value) in fields {
            bytes.push((field - before) << 4 | kind);
            bytes.extend(value);
            before = *field;
        }
        [bytes, vec![0]].concat()
    }
}

/// A Parquet file of one column `x` of i32 with a dictionary page and a data page.
struct Parquet {
    /// Entries that the dictionary's page says it has; one is there.
    dictionary: i64,
    /// Entry that each of the eight values points to.
    index: u8,
    /// Bytes that the data page says it has.
    page: Option<i64>,
    /// Where the footer says that the data page begins.
    offset: Option<i64>,
    rows: i64,
    /// Children that the root says it has.
    children: i64,
}

impl Default for Parquet {
    fn default() -> Self {
        Self { dictionary: 1, index: 0, page: None, offset: None, rows: 8, children: 1 }
    }
}

impl Parquet {
    fn file(&self) -> Vec<u8> {
        use thrift::{list, number, structure, text};
        let page = |kind, size: i64, field, head: Vec<u8>| {
            structure(&[(1, 5, number(kind)), (2, 5, number(size)), (3, 5, number(size)), (field, 12, head)])
        };
        let mut bytes = b"PAR1".to_vec();
        // encodings: 0 plain, 3 run lengths, 8 run lengths of dictionary entries
        bytes.extend(page(2, 4, 7, structure(&[(1, 5, number(self.dictionary)), (2, 5, number(0))])));
        bytes.extend(7i32.to_le_bytes());
        let values = [8, 8 << 1, self.index]; // 8 bits each; one run of 8
        let data = bytes.len() as i64;
        let head = structure(&[(1, 5, number(8)), (2, 5, number(8)), (3, 5, number(3)), (4, 5, number(3))]);
        bytes.extend(page(0, self.page.unwrap_or(values.len() as i64), 5, head));
        bytes.extend(values);
        let size = bytes.len() as i64 - 4;
        let column = structure(&[
            (1, 5, number(1)),
            (2, 9, list(5, &[number(0), number(8)])),
            (3, 9, list(8, &[text("x")])),
            (4, 5, number(0)),
            (5, 6, number(self.rows)),
            (6, 6, number(size)),
            (7, 6, number(size)),
            (9, 6, number(self.offset.unwrap_or(data))),
            (11, 6, number(4)),
        ]);
        let chunk = structure(&[(2, 6, number(4)), (3, 12, column)]);
        let group = structure(&[(1, 9, list(12, &[chunk])), (2, 6, number(size)), (3, 6, number(self.rows))]);
        let root = structure(&[(4, 8, text("schema")), (5, 5, number(self.children))]);
        let leaf = structure(&[(1, 5, number(1)), (3, 5, number(0)), (4, 8, text("x"))]);
        let footer = structure(&[
            (1, 5, number(1)),
            (2, 9, list(12, &[root, leaf])),
            (3, 6, number(self.rows)),
            (4, 9, list(12, &[group])),
        ]);
        [&bytes[..], &footer, &(footer.len() as u32).to_le_bytes(), b"PAR1"].concat()
    }
}

/// Parquet files, recipe 35. Dictionary entries, pages and footers that are not there.
#[must_use]
pub fn parquet() -> Vec<Recipe> {
    let good = Parquet::default().file();
    let length = good.len() - 8;
    let file = |change: fn(&mut Parquet)| {
        let mut parquet = Parquet::default();
        change(&mut parquet);
        parquet.file()
    };
    vec![
        read(35, "eight values of one column", good.clone()),
        fail(35, "entry beyond the dictionary", file(|p| p.index = 200)),
        fail(35, "dictionary of 2^31-1 entries", file(|p| p.dictionary = i64::from(i32::MAX))),
        fail(35, "dictionary of -1 entries", file(|p| p.dictionary = -1)),
        fail(35, "page of -1 bytes", file(|p| p.page = Some(-1))),
        fail(35, "page of 2^31-1 bytes", file(|p| p.page = Some(i64::from(i32::MAX)))),
        either(35, "page before the file", file(|p| p.offset = Some(-4))),
        fail(35, "page beyond the end", file(|p| p.offset = Some(i64::MAX))),
        either(35, "2^63-1 rows", file(|p| p.rows = i64::MAX)),
        either(35, "-1 rows", file(|p| p.rows = -1)),
        fail(35, "schema of 2^31-1 children", file(|p| p.children = i64::from(i32::MAX))),
        fail(35, "footer beyond the start", patched(&good, length, &u32::MAX.to_le_bytes())),
        fail(35, "footer of 0 bytes", patched(&good, length, &[0; 4])),
        fail(35, "no footer", good[..length - 10].to_vec()),
    ]
}

/// COCO files, recipe 36. Run lengths that do not sum to height x width, negative runs, huge pictures.
#[must_use]
pub fn coco() -> Vec<Recipe> {
    let file = |size: &str, counts: &str| {
        format!(
            "{{\"images\":[{{\"id\":1,\"width\":5,\"height\":4,\"file_name\":\"a.png\"}}],\
             \"categories\":[{{\"id\":1,\"name\":\"a\"}}],\"annotations\":[{{\"id\":1,\"image_id\":1,\"category_id\":1,\
             \"iscrowd\":1,\"area\":5,\"bbox\":[0,0,5,4],\"segmentation\":{{\"size\":{size},\"counts\":{counts}}}}}]}}"
        )
    };
    vec![
        read(36, "a mask of 4 x 5", file("[4,5]", "[7,5,8]")),
        fail(36, "runs that sum to less", file("[4,5]", "[7,5]")),
        fail(36, "runs that sum to more", file("[4,5]", "[7,5,80]")),
        fail(36, "negative run", file("[4,5]", "[30,-10]")),
        fail(36, "runs whose sum wraps", file("[4,5]", "[4294967295,21]")),
        fail(36, "run of half a pixel", file("[4,5]", "[7.5,5,7.5]")),
        fail(36, "compressed runs that sum to more", file("[4,5]", "\"0ooo\"")),
        fail(36, "compressed run without an end", file("[4,5]", "\"ooooooooooooooooooo\"")),
        fail(36, "compressed runs of other characters", file("[4,5]", "\"\\u007f\\u0001\"")),
        fail(36, "size of -4 x 5", file("[-4,5]", "[20]")),
        fail(36, "size of one number", file("[4]", "[4]")),
        either(36, "2^32 x 2^32 pixels", file("[4294967296,4294967296]", "[18446744073709551616]")),
        either(36, "65 000 x 65 000 pixels", file("[65000,65000]", "[4225000000]")),
        either(36, "a size other than the picture's", file("[2,10]", "[20]")),
    ]
}
