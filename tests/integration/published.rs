//! What becomes of the comment, the check run and the summary in every mode and size.

use serde_json::Value;

use crate::fake_github::ACTIONS_ID;
use crate::github::Job;
use crate::harness::POLICY;

/// A job whose policy says `more`.
fn job(more: &str) -> Job {
    let mut job = Job::new();
    job.policy(&format!("{POLICY}{more}"));
    job.set("GITHUB_TOKEN", "ghs_checks");
    job
}

/// One more run, in which this many cases fail.
fn next(job: &mut Job, run: usize, failing: usize) {
    job.failing(failing);
    job.set("GITHUB_RUN_ID", &run.to_string()).run(&[]);
}

/// The comments: id, and the icon of the headline.
fn comments(job: &Job) -> Vec<(u64, String)> {
    let icon = |body: &str| {
        let headline = body.lines().nth(1).unwrap();
        headline.split(' ').nth(1).unwrap().to_owned()
    };
    let comments = job.fake.comments();
    comments
        .iter()
        .map(|comment| (comment.id, icon(&comment.body)))
        .collect()
}

#[test]
fn each_comment_mode_tells_what_it_should() {
    // After each of four runs: green, red, green, red.
    for (mode, want) in [
        ("update", ["✅", "⛔", "✅", "⛔"]),
        ("recreate", ["✅", "⛔", "✅", "⛔"]),
        ("failures-only", ["", "⛔", "✅", "⛔"]),
        ("off", ["", "", "", ""]),
    ] {
        let mut job = job(&format!("comment: {mode}\n"));
        let mut ids = Vec::new();
        for (at, want) in want.into_iter().enumerate() {
            next(&mut job, 100 + at, if at % 2 == 0 { 0 } else { 20 });
            let found = comments(&job);
            let icons: Vec<&str> = found.iter().map(|(_, icon)| icon.as_str()).collect();
            let wanted: &[&str] = if want.is_empty() { &[] } else { &[want] };
            assert_eq!(icons, wanted, "{mode}, run {at}");
            ids.extend(found.iter().map(|(id, _)| *id));
            job.expect_status(if at % 2 == 0 { "success" } else { "failure" });
        }
        ids.dedup();
        let different = match mode {
            "off" => 0,
            "recreate" => 4,
            _ => 1,
        };
        assert_eq!(ids.len(), different, "{mode}");
    }
}

#[test]
fn failures_only_counts_what_would_block() {
    let mut job = job("comment: failures-only\nmode: advise\n");
    next(&mut job, 100, 0);
    assert_eq!(comments(&job).len(), 0);
    next(&mut job, 101, 20);
    assert_eq!(comments(&job)[0].1, "⚠️");
}

#[test]
fn what_is_no_news_makes_no_comment_and_brings_one_up_to_date() {
    let ungoverned = |job: &mut Job| {
        let repo = &job.passing.repo;
        repo.git(&["reset", "--quiet", "--hard", "main"]);
        repo.write(&[("notes.txt", "nothing governed")]);
        repo.commit("notes");
        job.event();
        "passed: nothing governed changed"
    };
    let broken = |job: &mut Job| {
        job.policy("version: 1\nprompts: 3\n");
        "could not check"
    };
    let cases: [&dyn Fn(&mut Job) -> &'static str; 2] = [&ungoverned, &broken];
    for change in cases {
        let mut job = job("comment: recreate\n");
        next(&mut job, 100, 20);
        let before = comments(&job);
        let said = change(&mut job);
        next(&mut job, 101, 0);
        let after = job.fake.comments();
        assert_eq!((after.len(), after[0].id), (1, before[0].0), "{said}");
        assert!(after[0].body.contains(said), "{}", after[0].body);

        let mut job = Job::new();
        change(&mut job);
        next(&mut job, 100, 0);
        assert_eq!(comments(&job).len(), 0, "{said}");
        assert_eq!(job.fake.count("POST", "/graphql"), 0, "{said}");
        assert_eq!(job.fake.statuses().len(), 1, "{said}");
    }
}

#[test]
fn observing_is_silent_but_in_the_check_run() {
    let mut job = job("mode: observe\ncheck_run: true\n");
    next(&mut job, 100, 20);
    assert_eq!(comments(&job).len(), 0);
    assert_eq!(job.fake.check_runs()[0]["conclusion"], "neutral");
}

#[test]
fn the_check_run_concludes_as_the_mode_says() {
    for (mode, failing, conclusion, level) in [
        ("enforce", 0, "success", None),
        ("enforce", 20, "failure", Some("failure")),
        ("advise", 0, "success", None),
        ("advise", 20, "neutral", Some("warning")),
    ] {
        let mut job = job(&format!("mode: {mode}\ncheck_run: true\n"));
        next(&mut job, 100, failing);
        let runs = job.fake.check_runs();
        assert_eq!(runs.len(), 1);
        assert_eq!(runs[0]["conclusion"], conclusion, "{mode} {failing}");
        assert_eq!(runs[0]["head_sha"], job.head());
        assert_eq!(
            runs[0]["details_url"],
            "https://github.com/acme/prompts/actions/runs/100/attempts/1"
        );
        let summary = runs[0]["output"]["summary"].as_str().unwrap();
        assert!(summary.contains("### Scorecard"), "{summary}");
        let levels: Vec<&Value> = runs[0]["annotations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|annotation| &annotation["annotation_level"])
            .collect();
        assert_eq!(levels, level.into_iter().collect::<Vec<_>>(), "{mode}");
    }
}

#[test]
fn annotations_stand_where_the_change_and_the_problem_are() {
    let mut job = job("check_run: true\n");
    let repo = &job.passing.repo;
    repo.write(&[
        ("prompts/broken.prompt", "---\nmodel: a\nb: [\n---\nHello\n"),
        (".github/CODEOWNERS", "* @acme/owners\n"),
        ("prompts/picture.png", "none"),
        (
            ".github/gatecard.yml",
            &format!("{POLICY}check_run: true\nmode: strict\n"),
        ),
        (
            "prompts/answer.md",
            "You are a support assistant.\n\nAnswer {{message}} about {{order}} at length.\n",
        ),
    ]);
    repo.commit("more changes");
    job.event();
    next(&mut job, 100, 0);
    let runs = job.fake.check_runs();
    let found: Vec<String> = runs[0]["annotations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|annotation| {
            let text = |key: &str| annotation[key].as_str().unwrap_or_default().to_owned();
            assert_eq!(annotation["start_line"], annotation["end_line"]);
            format!(
                "{} {}:{} {}",
                text("annotation_level"),
                text("path"),
                annotation["start_line"],
                text("title")
            )
        })
        .collect();
    for want in [
        "failure prompts/answer.md:3 max_regression: ",
        "failure prompts/broken.prompt:",
        "failure .github/gatecard.yml:6 policy-invalid",
        "notice .github/CODEOWNERS:1 owners changed",
        "notice prompts/picture.png:1 not read as a prompt",
    ] {
        assert!(
            found.iter().any(|line| line.starts_with(want)),
            "{want}: {found:#?}"
        );
    }
}

#[test]
fn a_check_that_could_not_be_made_is_a_check_run_too() {
    let job = job("check_run: true\n");
    job.missing_head();
    job.run(&[]).exits(4);
    let runs = job.fake.check_runs();
    assert_eq!(runs[0]["conclusion"], "failure");
    assert_eq!(runs[0]["output"]["title"], "could not check");
}

#[test]
fn the_status_cannot_have_the_name_of_the_check_run() {
    let job = job("status_name: gatecard report\n");
    let ran = job.run(&[]).exits(2);
    assert!(ran.err.contains("the name of the check run"), "{}", ran.err);
}

#[test]
fn a_missing_permission_for_checks_is_named_and_the_status_stands() {
    let mut job = job("check_run: true\n");
    let ran = job.set("GITHUB_TOKEN", "ghs_write").run(&[]).exits(0);
    assert!(ran.err.contains("`checks: write`"), "{}", ran.err);
    job.expect_status("success");
}

/// A job that changes this many prompts, none of which has evidence, in text whose characters
/// have four bytes each.
fn many(prompts: usize, more: &str) -> Job {
    named("prompts/😀", prompts, more)
}

/// The same, in a folder of this name.
fn named(folder: &str, prompts: usize, more: &str) -> Job {
    let mut job = job(more);
    let repo = &job.passing.repo;
    let write = |word: &str| {
        for at in 0..prompts {
            let text = format!("{word} {{{{message}}}}\n{}\n", "😀 ".repeat(100));
            repo.write(&[(&format!("{folder}/{at:04}.md"), &text)]);
        }
    };
    repo.checkout("main");
    write("Before");
    repo.commit("many prompts");
    repo.checkout("head");
    repo.git(&["rebase", "--quiet", "main"]);
    write("😀 After");
    repo.commit("change them all");
    job.event();
    job.set("GATECARD_EVIDENCE", "");
    job
}

/// The report without the rows of its tables.
fn skeleton(markdown: &str) -> String {
    let mut out = String::new();
    let mut rows = 0;
    for line in markdown.lines().chain([""]) {
        if line.starts_with('|') {
            rows += 1;
            if rows > 3 {
                continue;
            }
        } else {
            if rows > 3 {
                out.push_str(&format!("({} rows more)\n", rows - 3));
            }
            rows = 0;
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Adds prompts that each have a row of their own among the gates.
fn unreadable(job: &mut Job, prompts: usize) {
    let repo = &job.passing.repo;
    for at in 0..prompts {
        repo.write(&[(&format!("prompts/empty/{at:04}.md"), "")]);
    }
    repo.commit("empty prompts");
    job.event();
}

#[test]
fn hundreds_of_red_rows_fit_a_comment_and_all_of_them_the_summary() {
    let mut job = many(350, "check_run: true\n");
    unreadable(&mut job, 700);
    job.run(&[]).exits(3);
    let body = job.fake.comments()[0].body.clone();
    let (_, comment) = body.split_once('\n').unwrap();
    assert!(comment.len() <= 60_000, "{}", comment.len());
    let summary = job.file("summary.md");
    assert!(summary.len() <= 1_000_000, "{}", summary.len());
    assert_eq!(
        summary.matches("<br>error<br>`prompt-empty` |").count(),
        700
    );
    assert!(!summary.contains("Left out"));
    let runs = job.fake.check_runs();
    let shown = runs[0]["output"]["summary"].as_str().unwrap();
    assert!(shown.len() <= 60_000, "{}", shown.len());
    assert_eq!(runs[0]["annotations"].as_array().unwrap().len(), 500);
    assert!(shown.contains("500 of 2"), "{shown}");
    assert_eq!(job.fake.count("PATCH", "/check-runs"), 9);
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"\b[0-9a-f]{12}\b", "[digest]");
    settings.bind(|| insta::assert_snapshot!("long-comment", skeleton(comment)));
}

#[test]
fn a_comment_names_exactly_what_it_lost_and_the_summary_has_it() {
    let job = many(300, "");
    job.run(&[]).exits(1);
    let body = &job.fake.comments()[0].body;
    let page = "https://github.com/acme/prompts/actions/runs/100/attempts/1";
    // There are no traces and no findings, so these are not named.
    let footer = body.lines().last().unwrap();
    let (_, left_out) = footer.split_once(" · Left out to fit a comment: ").unwrap();
    let whole = format!("; all of it is in the [job summary]({page})</sub>");
    let named: Vec<&str> = left_out.strip_suffix(&whole).unwrap().split(", ").collect();
    let summary = job.file("summary.md");
    for (words, shown) in [
        ("why these scores", "Why these scores"),
        ("scorecard", "### Scorecard"),
        ("what changed in words", "- template (+"),
    ] {
        assert!(summary.contains(shown), "{summary}");
        assert_eq!(body.contains(shown), !named.contains(&words), "{footer}");
    }
    assert_eq!(named[0], "why these scores");
    assert!(body.contains("### What changed"), "{body}");
}

#[test]
fn the_longest_names_fit_too() {
    let long = format!("prompts/{}", ["_<@".repeat(60).as_str(); 12].join("/"));
    let job = named(&long, 100, "check_run: true\n");
    job.run(&[]).exits(1);
    let comments = job.fake.comments();
    let (_, comment) = comments[0].body.split_once('\n').unwrap();
    assert!(comment.len() <= 60_000, "{}", comment.len());
    let runs = job.fake.check_runs();
    let shown = runs[0]["output"]["summary"].as_str().unwrap();
    assert!(shown.len() <= 60_000, "{}", shown.len());
    for shown in [comment, shown] {
        assert!(shown.contains("blocked by"), "{shown}");
        assert!(shown.contains("### What changed"), "{shown}");
    }
}

#[test]
fn several_own_comments_become_one_and_a_forged_one_stays() {
    let head = "a".repeat(40);
    let marked =
        |body: &str| format!("<!-- gatecard:v1 key=default run=1.1 head={head} -->\n{body}");
    for mode in ["update", "recreate"] {
        let mut job = job(&format!("comment: {mode}\n"));
        let forged = job.fake.comment(7, &marked("## ✅ merge this"));
        let own = [
            job.fake.comment(ACTIONS_ID, &marked("## ✅ one")),
            job.fake.comment(ACTIONS_ID, &marked("## ✅ two")),
        ];
        next(&mut job, 100, 20);
        let ids: Vec<u64> = comments(&job).iter().map(|(id, _)| *id).collect();
        assert_eq!((ids.len(), ids[0]), (2, forged), "{mode}");
        assert_eq!(ids[1] == own[0], mode == "update", "{mode}");
        assert_eq!(ids[1] > own[1], mode == "recreate", "{mode}");
    }
}
