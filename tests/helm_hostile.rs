//! Charts made by enemies: each is refused with a clear error, in little memory, in little time, with nothing written.
//!
//! What hydrate says about each is in `tests/hostile/NAME.txt`, whole; `HYDRATE_TEST_UPDATE=1 cargo test --test helm_hostile`
//! writes the answers anew, for reading them over.
#![cfg(unix)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const CHART: &str = "apiVersion: v2\nname: c\nversion: 1.0.0\n";

/// A build without optimisation is slow, and many tests run at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `ulimit -v` allows. More than half of it is address space that the allocator and a deep stack reserve.
const MEMORY: u64 = 5 << 29;

struct Case {
    name: &'static str,
    files: Vec<(String, Vec<u8>)>,
    args: Vec<String>,
}

fn case(name: &'static str, files: &[(&str, &str)], args: &[&str]) -> Case {
    let mut all = vec![("Chart.yaml".to_owned(), CHART.as_bytes().to_vec())];
    all.retain(|(known, _)| files.iter().all(|(name, _)| name != known));
    all.extend(files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())));
    Case { name, files: all, args: args.iter().map(|arg| (*arg).to_owned()).collect() }
}

/// A chart of one template, with limits that are reached before a test becomes boring.
fn template(name: &'static str, text: &str) -> Case {
    case(name, &[("templates/a.yaml", text)], &["--max-steps", "300000", "--max-output", "30000000"])
}

fn run(case: &Case, level: &str) -> (Output, Duration, String) {
    let directory = tempfile::tempdir().expect("a scratch directory");
    let chart = directory.path().join("chart");
    for (name, data) in &case.files {
        let file = chart.join(name);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
        std::fs::write(file, data).expect("a file");
    }
    let command = format!("ulimit -v {}; exec \"$@\"", MEMORY / 1024);
    let start = Instant::now();
    let done = Command::new("sh")
        .args(["-c", &command, "sh", env!("CARGO_BIN_EXE_hydrate"), "helm", "template", "rel", "chart", "--output-dir", "out"])
        .args(&case.args)
        .current_dir(&directory)
        .env("HYDRATE_HELM_COMPAT", level)
        .output()
        .expect("a shell");
    let took = start.elapsed();
    assert!(!directory.path().join("out").exists(), "{}: something was written", case.name);
    let entries = std::fs::read_dir(&directory).expect("the directory").count();
    assert_eq!(entries, 1, "{}: something was written beside the chart", case.name);
    let root = std::fs::canonicalize(&directory).expect("a path").display().to_string();
    let said = String::from_utf8_lossy(&done.stderr).replace(&root, "[root]").replace(&directory.path().display().to_string(), "[root]");
    (done, took, said)
}

/// Lines of an error that quote something endless are cut.
fn cut(said: &str) -> String {
    said.lines().fold(String::new(), |mut out, line| {
        let start: String = line.chars().take(300).collect();
        let _ = writeln!(out, "{start}{}", if start.len() < line.len() { " […]" } else { "" });
        out
    })
}

fn check(cases: &[Case]) {
    let mut bad = String::new();
    for case in cases {
        let mut answers = Vec::new();
        for level in ["v4", "v3"] {
            let (done, took, said) = run(case, level);
            assert_eq!(done.status.code(), Some(1), "{} {level}: {:?} {}", case.name, done.status, cut(&said));
            assert!(done.stdout.is_empty(), "{} {level}: something was printed", case.name);
            assert!(took < PATIENCE, "{} {level}: it took {took:?}", case.name);
            answers.push(cut(&said));
        }
        let answer = if answers[0] == answers[1] { answers.remove(0) } else { format!("{}== v3 ==\n{}", answers[0], answers[1]) };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/hostile/{}.txt", case.name));
        if std::env::var_os("HYDRATE_TEST_UPDATE").is_some() {
            std::fs::write(&path, &answer).expect("a file");
        }
        let wanted = std::fs::read_to_string(&path).unwrap_or_default();
        if wanted != answer {
            let _ = write!(bad, "{}: wanted\n{wanted}but got\n{answer}\n", case.name);
        }
    }
    assert!(bad.is_empty(), "{bad}");
}

/// Lists of nine aliases of the list before, twelve deep: 9¹² values in some lines.
fn alias_bomb() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for at in 1..12 {
        let list = vec![format!("*a{}", at - 1); 9].join(", ");
        let _ = writeln!(text, "a{at}: &a{at} [{list}]");
    }
    text
}

#[test]
fn templates_without_end() {
    check(&[
        template("range-of-a-number", "{{ range until 100 }}{{ range until 100 }}{{ range until 100 }}x{{ end }}{{ end }}{{ end }}"),
        template("template-in-itself", "{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}"),
        template("include-in-itself", "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}"),
        template(
            "include-twice-each",
            "{{ define \"a\" }}{{ if . }}{{ include \"a\" (sub . 1) }}{{ include \"a\" (sub . 1) }}{{ end }}{{ end }}{{ include \"a\" 60 }}",
        ),
        case(
            "tpl-in-itself",
            &[("values.yaml", "t: '{{ tpl .Values.t . }}'"), ("templates/a.yaml", "{{ tpl .Values.t . }}")],
            &["--max-steps", "300000"],
        ),
        case(
            "tpl-twice-each",
            &[
                ("values.yaml", "t: '{{ tpl .Values.t (set . \"n\" (add .n 1)) }}{{ tpl .Values.t . }}'"),
                ("templates/a.yaml", "{{ tpl .Values.t . }}"),
            ],
            &["--max-steps", "300000"],
        ),
        template("tpl-that-doubles", "{{ $x := \"xx\" }}{{ range until 60 }}{{ $x = tpl \"{{ . }}{{ . }}\" $x }}{{ end }}{{ len $x }}"),
        case(
            "import-into-itself",
            &[
                (
                    "Chart.yaml",
                    "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n- {name: sub, version: 1.0.0, import-values: [{child: data, parent: in}, {child: data, parent: in.deep}]}\n",
                ),
                ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
                ("charts/sub/values.yaml", "data: {a: {b: 1}}\n"),
                ("templates/a.yaml", "{{ toYaml .Values }}"),
            ],
            &[],
        ),
        case(
            "many-templates",
            &[
                ("templates/a.yaml", "{{ range until 900 }}{{ end }}"),
                ("templates/b.yaml", "{{ range until 900 }}{{ end }}"),
                ("templates/c.yaml", "{{ range until 900 }}{{ end }}"),
            ],
            &["--max-steps", "2000"],
        ),
        template("keys-without-end", "{{ range until 1000 }}{{ $x := genPrivateKey \"rsa\" }}{{ end }}"),
        template("passwords-without-end", "{{ range until 1000 }}{{ bcrypt \"a\" }}{{ end }}"),
    ]);
}

#[test]
fn values_without_end() {
    check(&[
        template("repeat-huge", "{{ repeat 2000000000 \"x\" | len }}"),
        template("until-huge", "{{ until 2000000000 | len }}"),
        template("seq-huge", "{{ seq 1 1000000000 | len }}"),
        template("random-huge", "{{ randAlphaNum 2000000000 | len }}"),
        template("width-huge", "{{ range until 1000 }}{{ printf \"%1000000d\" 1 | len }}{{ end }}"),
        template("replace-huge", "{{ repeat 100000 \"a\" | replace \"a\" (repeat 100000 \"b\") | len }}"),
        template("join-huge", "{{ until 100000 | join (repeat 100000 \"a\") | len }}"),
        template("indent-huge", "{{ repeat 100000 \"\\n\" | indent 10000 | len }}"),
        template("many-lists", "{{ $l := list }}{{ range until 1000 }}{{ $l = append $l (until 100000) }}{{ end }}{{ len $l }}"),
        template("many-texts", "{{ $l := list }}{{ range until 1000 }}{{ $l = append $l (repeat 100000 \"x\") }}{{ end }}{{ len $l }}"),
        template("text-that-doubles", "{{ $x := \"xxxx\" }}{{ range until 60 }}{{ $x = printf \"%s%s\" $x $x }}{{ end }}{{ len $x }}"),
        template("list-that-doubles", "{{ $x := list 1 2 3 }}{{ range until 60 }}{{ $x = concat $x $x }}{{ end }}{{ len $x }}"),
        template("printed-twice-each", "{{ $x := list 1 }}{{ range until 60 }}{{ $x = list $x $x }}{{ end }}{{ $x }}"),
        template("yaml-twice-each", "{{ $x := list 1 }}{{ range until 60 }}{{ $x = list $x $x }}{{ end }}{{ toYaml $x }}"),
        template("json-twice-each", "{{ $x := list 1 }}{{ range until 60 }}{{ $x = list $x $x }}{{ end }}{{ toJson $x }}"),
        template(
            "toml-twice-each",
            "{{ $x := dict \"a\" 1 }}{{ range until 60 }}{{ $x = dict \"a\" $x \"b\" $x }}{{ end }}{{ toToml $x }}",
        ),
        template("copied-twice-each", "{{ $x := dict }}{{ range until 60 }}{{ $x = dict \"a\" $x \"b\" $x }}{{ end }}{{ deepCopy $x }}"),
        template(
            "compared-twice-each",
            "{{ $x := list 1 }}{{ $y := list 1 }}{{ range until 60 }}{{ $x = list $x $x }}{{ $y = list $y $y }}{{ end }}{{ deepEqual $x $y }}",
        ),
        template("printed-in-itself", "{{ $x := dict }}{{ $_ := set $x \"x\" $x }}{{ $x }}"),
        template("merged-in-itself", "{{ $x := dict }}{{ $_ := set $x \"x\" $x }}{{ $y := deepCopy $x }}"),
        template("unique-of-many", "{{ until 10000 | uniq | len }}"),
        template("replaced-huge", "{{ regexReplaceAll \"\" (repeat 100000 \"a\") (repeat 100000 \"b\") | len }}"),
        template("printed-deep", "{{ $x := list 1 }}{{ range until 50000 }}{{ $x = list $x }}{{ end }}{{ toString $x }}"),
    ]);
}

#[test]
fn aliases_without_end() {
    let bomb = alias_bomb();
    check(&[
        case("aliases-in-values", &[("values.yaml", &bomb), ("templates/a.yaml", "x: y")], &[]),
        case("aliases-in-chart", &[("Chart.yaml", &format!("{CHART}annotations:\n  {}", bomb.replace('\n', "\n  ")))], &[]),
        case("aliases-in-output", &[("templates/a.yaml", &bomb)], &[]),
        case("aliases-in-function", &[("b", &bomb), ("templates/a.yaml", "{{ .Files.Get \"b\" | fromYaml | toYaml | fail }}")], &[]),
        case("aliases-in-schema", &[("values.yaml", "a: 1"), ("values.schema.json", &bomb), ("templates/a.yaml", "x: y")], &[]),
    ]);
}

#[test]
fn deep_nesting() {
    let lists = format!("a: {}{}", "[".repeat(10_000), "]".repeat(10_000));
    let maps: String = (0..10_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let groups = |open: &str, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(10_000), close.repeat(10_000));
    check(&[
        case("values-of-lists", &[("values.yaml", &lists), ("templates/a.yaml", "x: y")], &[]),
        case("values-of-maps", &[("values.yaml", &maps), ("templates/a.yaml", "x: y")], &[]),
        case("output-of-lists", &[("templates/a.yaml", &lists)], &[]),
        template("json-of-lists", "{{ printf \"%s%s\" (repeat 20000 \"[\") (repeat 20000 \"]\") | mustFromJson }}"),
        template("parentheses", &groups("{{ (", "1", ") }}").replace(" }}{{ ", "").replace(") }}) }}", "))")),
        template("ifs", &groups("{{ if 1 }}", "x", "{{ end }}")),
        template("regular-expression", "{{ regexMatch (printf \"%s%s\" (repeat 20000 \"(\") (repeat 20000 \")\")) \"a\" }}"),
        template("regular-expression-huge", "{{ mustRegexMatch \"((a{1000}){1000}){1000}\" \"a\" }}"),
        case("set-at-index", &[("templates/a.yaml", "x: y")], &["--set", "a[2000000000]=1"]),
    ]);
}

#[test]
fn large_files() {
    let large = format!("a: {}\n", "x".repeat(100 << 20));
    let mut given = case("values-of-user", &[("templates/a.yaml", "x: y"), ("large.yaml", "")], &["-f", "chart/large.yaml"]);
    given.files.retain(|(name, _)| name != "large.yaml");
    given.files.push(("large.yaml".to_owned(), large.clone().into_bytes()));
    let mut ignored = case("values-of-chart", &[("templates/a.yaml", "x: y")], &[]);
    ignored.files.push(("values.yaml".to_owned(), large.into_bytes()));
    check(&[given, ignored]);
}

/// A packed chart of raw tar entries: name, kind, target of a link, content.
fn archive(name: &'static str, entries: &[(&str, tar::EntryType, &str, &[u8])]) -> Case {
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let whole = [("c/Chart.yaml", tar::EntryType::Regular, "", CHART.as_bytes())];
    for (path, kind, target, data) in whole.iter().chain(entries) {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.as_mut_bytes()[157..157 + target.len()].copy_from_slice(target.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *data).expect("memory");
    }
    packed(name, builder.into_inner().and_then(flate2::write::GzEncoder::finish).expect("memory"))
}

/// A chart whose only dependency is an archive.
fn packed(name: &'static str, bytes: Vec<u8>) -> Case {
    let mut case = case(name, &[], &[]);
    case.files.push(("charts/d-1.0.0.tgz".to_owned(), bytes));
    case
}

#[test]
fn archives() {
    use tar::EntryType::{Block, Char, Fifo, GNUSparse, Link, Regular, Symlink};
    let zeros = vec![0; 6 << 20];
    let many: Vec<String> = (0..40).map(|at| format!("c/files/{at}")).collect();
    let full = vec![b'a'; 4 << 20];
    let filling: Vec<_> = many.iter().map(|name| (name.as_str(), Regular, "", full.as_slice())).collect();
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..300 {
        std::io::Write::write_all(&mut bomb, &vec![0; 1 << 20]).expect("memory");
    }
    let bomb = bomb.finish().expect("memory");
    let cut_off = archive("", &[]).files.pop().map(|(_, bytes)| bytes[..bytes.len() / 2].to_vec()).unwrap_or_default();
    check(&[
        archive("archive-parent", &[("c/../../../outside", Regular, "", b"x")]),
        archive("archive-absolute", &[("c//etc/outside", Regular, "", b"x")]),
        archive("archive-drive", &[("c/c:/outside", Regular, "", b"x")]),
        archive("archive-backslash", &[("c\\..\\..\\outside", Regular, "", b"x")]),
        archive("archive-symlink", &[("c/values.yaml", Symlink, "/etc/passwd", b"")]),
        archive("archive-hard-link", &[("c/values.yaml", Link, "/etc/passwd", b"")]),
        archive("archive-pipe", &[("c/values.yaml", Fifo, "", b"")]),
        archive("archive-device", &[("c/values.yaml", Char, "", b"")]),
        archive("archive-block-device", &[("c/values.yaml", Block, "", b"")]),
        archive("archive-sparse", &[("c/values.yaml", GNUSparse, "", b"")]),
        archive("archive-file-too-large", &[("c/values.yaml", Regular, "", &zeros)]),
        archive("archive-too-large", &filling),
        packed("archive-of-zeros", bomb),
        packed("archive-cut-off", cut_off),
        packed("archive-of-nothing", Vec::new()),
        packed("archive-not-packed", b"name: d\nversion: 1.0.0\n".to_vec()),
    ]);
}

#[test]
fn links_and_devices_in_directories() {
    let directory = tempfile::tempdir().expect("a scratch directory");
    let chart = directory.path().join("chart");
    std::fs::create_dir_all(chart.join("templates")).expect("a directory");
    std::fs::write(chart.join("Chart.yaml"), CHART).expect("a file");
    let refused = |name: &str| {
        let done = Command::new(env!("CARGO_BIN_EXE_hydrate"))
            .args(["helm", "template", "rel", "chart"])
            .current_dir(&directory)
            .output()
            .expect("the binary runs");
        assert_eq!(done.status.code(), Some(1), "{name}");
        String::from_utf8_lossy(&done.stderr).into_owned()
    };
    let link = chart.join("templates/a.yaml");
    std::os::unix::fs::symlink("/dev/zero", &link).expect("a link");
    assert!(refused("a device").contains("`templates/a.yaml` is a link that leads out of the directory that was named, to `/dev/zero`"));
    std::fs::remove_file(&link).expect("the link");
    std::os::unix::fs::symlink(&chart, chart.join("again")).expect("a link");
    let said = refused("a circle");
    assert!(said.contains("directories are nested too deep") || said.contains("symbolic links"), "{said}");
    std::fs::remove_file(chart.join("again")).expect("the link");
    std::fs::File::create(&link).and_then(|file| file.set_len(1 << 40)).expect("a file with nothing in it");
    assert!(refused("a terabyte").contains("file too large"));
}
