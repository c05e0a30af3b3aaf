use proptest::prelude::*;

use super::*;

/// Letters and digits, in order: what must not be lost.
fn words(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Every tag in `html` is of the safe subset, and carries no attribute but a link's.
fn only_safe_tags(html: &str) -> Result<(), String> {
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let from = &rest[at + 1..];
        let end = from.find('>').ok_or_else(|| format!("unclosed tag in {html:?}"))?;
        let tag = from[..end].trim_start_matches('/');
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        if !SAFE_TAGS.contains(&name) {
            return Err(format!("{name:?} in {html:?}"));
        }
        let link = name == "a"
            && ["href=\"http", "href=\"HTTP", "href=\"mailto", "href=\"Http"].iter().any(|a| attributes.starts_with(a))
            && attributes.ends_with("\" rel=\"noopener noreferrer\"")
            && attributes.matches('"').count() == 4;
        if !attributes.is_empty() && !link {
            return Err(format!("attributes {attributes:?} in {html:?}"));
        }
        rest = &from[end + 1..];
    }
    Ok(())
}

#[test]
fn html_reads_as_text() {
    let table = [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<div>x</div><div>y</div>", "x\ny"),
        ("<ul><li>a</li><li>b</li></ul>after", "- a\n- b\n\nafter"),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
        (
            "See <a href=\"https://x.example/a?b=1&amp;c=2\">the page</a>.",
            "See the page (https://x.example/a?b=1&c=2).",
        ),
        ("<a href='https://x.example/'>https://x.example</a>", "https://x.example"),
        ("<a href=\"javascript:alert(1)\">click</a>", "click"),
        ("a &amp; b &lt;c&gt; &#228;&#xfc; &nbsp;z &unknown;", "a & b <c> äü z &unknown;"),
        ("<style>p{}</style><script>x<y</script>text", "text"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("words <b>bold</b>, then", "words bold, then"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a\tb\nc"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<!-- hidden -->shown", "shown"),
        ("unclosed <b", "unclosed <b"),
        ("<p>Mail to <x@y.example>, code <0x1234></p>", "Mail to <x@y.example>, code <0x1234>"),
        (
            "<b>see</b> <https://x.example/a> on <FIN-LT-0042> by <DOMAIN\\user>",
            "see <https://x.example/a> on <FIN-LT-0042> by <DOMAIN\\user>",
        ),
        ("<P>a</P><o:p></o:p><BR />b", "a\n\nb"),
        ("<img src=x alt=\"a map\">", "[image: a map]"),
        ("", ""),
    ];
    for (html, expected) in table {
        assert_eq!(html_to_text(html), expected, "{html}");
    }
}

/// A test that ends: each of these was looked through to its end for every tag that begins in it.
#[test]
fn a_hundred_thousand_tags_that_never_end_hold_up_nobody() {
    for begun in ["<b ", "<! ", "<? ", "<b<b ", "</b "] {
        let html = begun.repeat(100_000);
        assert_eq!(html_to_text(&html), html.trim_end(), "{begun}");
        assert!(!looks_like_html(&html), "{begun}");
        assert_eq!(unjointed(&neutralise_markup(&html)), html, "{begun}");
    }
    let dropped = format!("{}x", "<svg><math>".repeat(100_000));
    assert_eq!(html_to_text(&dropped), "x");
    let quoted = format!("<p>x</p>{}", "<b a=\" \"=\">".repeat(100_000));
    assert!(html_to_text(&quoted).starts_with('x'));
    assert_eq!(only_safe_tags(&sanitise(&quoted)), Ok(()));
}

#[test]
fn only_the_safe_subset_is_left() {
    let table = [
        ("<p onclick=\"x()\">Hi</p>", "<p>Hi</p>"),
        ("<script>alert(1)</script>Hi", "Hi"),
        ("<img src=x onerror=alert(1)>", "[image]"),
        ("<a href=\"javascript:alert(1)\">x</a>", "x"),
        (
            "<a href=\" https://e.example/?a=1&b=2\">x</a>",
            "<a href=\"https://e.example/?a=1&amp;b=2\" rel=\"noopener noreferrer\">x</a>",
        ),
        ("<b><i>x</b>", "<b><i>x</i></b>"),
        ("</p>x", "x"),
        ("<iframe src=x>y</iframe>z", "z"),
        ("&lt;script&gt;", "&lt;script&gt;"),
        ("<p>from <x@y.example></p>", "<p>from &lt;x@y.example&gt;</p>"),
        ("<i>a</i><x onerror=\"<script>y</script>\">", "<i>a</i>&lt;x onerror=&quot;&quot;&gt;"),
        (
            "<a href=\"https://e.example/\"\" onmouseover=\"x\">y</a>",
            "<a href=\"https://e.example/\" rel=\"noopener noreferrer\">y</a>",
        ),
    ];
    for (html, expected) in table {
        assert_eq!(sanitise(html), expected, "{html}");
    }
}

#[test]
fn messages_come_in_three_kinds() {
    assert_eq!(message_to_html("plain & simple\nsecond"), "plain &amp; simple<br>second");
    assert_eq!(message_to_html("<p>one</p>"), "<p>one</p>");
    assert_eq!(message_to_html("**bold** and `code`"), "<strong>bold</strong> and <code>code</code>");
    assert_eq!(message_to_html("- a\n- b\nend"), "<ul><li>a</li><li>b</li></ul>end");
    assert_eq!(
        message_to_html("[x](https://e.example/)"),
        "<a href=\"https://e.example/\" rel=\"noopener noreferrer\">x</a>"
    );
    assert_eq!(message_to_html("[x](javascript:alert(1))"), "[x](javascript:alert(1))");
    assert_eq!(message_to_html("<p>by <x@y.example></p>"), "<p>by &lt;x@y.example&gt;</p>");
    assert_eq!(message_to_html("if a<b then c>d"), "if a&lt;b then c&gt;d");
    assert_eq!(message_to_text("<p>one</p><p>two</p>"), "one\n\ntwo");
    assert_eq!(message_to_text("**as it is**"), "**as it is**");
}

#[test]
fn markup_that_is_quoted_as_code_is_words() {
    for (message, kept) in [
        ("x\n```html\n<form action=\"https://e.example/c\"></form>\n<script>y()</script>\n```", "https://e.example/c"),
        ("x\r\n  ```\r\n<script>y()</script>\r\n```\r\nthen", "y()"),
        ("`<img src=https://e.example/t>`", "https://e.example/t"),
        ("see ``<script>y()</script>``", "y()"),
    ] {
        let html = message_to_html(message);
        assert!(html.contains(kept), "{message}: {html}");
        assert_eq!(only_safe_tags(&html), Ok(()), "{message}");
        assert!(!html.contains("href"), "nothing of it is live: {html}");
        assert_eq!(words(&message_to_text(message)), words(message));
        assert_eq!(words(&html_to_text(&html)), words(message));
    }
    // Beside code it is HTML as ever, and so it is behind a fence that nobody closed.
    assert_eq!(message_to_html("<p>run `whoami`</p>"), "<p>run `whoami`</p>");
    assert_eq!(message_to_html("```\n<b>x</b><script>y()</script>"), "```\n<b>x</b>");
}

#[test]
fn control_characters_and_disguises_go() {
    assert_eq!(clean("a\u{0}b\u{7}\r\nc\rd\u{202e}e\tf"), "ab\nc\nde\tf");
    assert_eq!(line(" a\n b\t c "), "a b c");
}

#[test]
fn mentions_do_not_ring() {
    // A bar stands for the joint.
    let table = [
        ("@anna please", "@|anna please"),
        ("(@anna, @_bob and @[Carla])", "(@|anna, @|_bob and @|[Carla])"),
        ("anna@contoso.com", "anna@contoso.com"),
        ("at @ noon", "at @ noon"),
        ("see https://medium.com/@x then @anna", "see https://medium.com/@x then @|anna"),
        ("(HTTPS://portal.azure.com/#@contoso.com/resource/a)", "(HTTPS://portal.azure.com/#@contoso.com/resource/a)"),
        ("http://a.example/@b\n@c", "http://a.example/@b\n@|c"),
        ("xhttps://@anna", "xhttps://@|anna"),
        ("$h = @{a=1}; $l = @(1)", "$h = @{a=1}; $l = @(1)"),
        ("where Path == @\"C:\\x\" or Path == @'C:\\y'", "where Path == @\"C:\\x\" or Path == @'C:\\y'"),
        ("ä@anna ä @änne", "ä@anna ä @|änne"),
    ];
    for (text, expected) in table {
        let expected = expected.replace('|', "\u{2060}");
        assert_eq!(neutralise_mentions(text), expected, "{text}");
        assert_eq!(neutralise_mentions(&expected), expected, "once is enough: {text}");
    }
    let html = "<p title=\"@anna\">@anna</p><a href=\"https://m.example/@x\">https://m.example/@x</a> @&quot;C:&quot;";
    let expected = html.replace(">@anna", ">@\u{2060}anna");
    assert_eq!(neutralise_mentions_in_html(html), expected);
}

#[test]
fn what_only_looks_like_markup_is_none() {
    // A bar stands for the joint.
    let table = [
        ("<a href=\"https://e.example\">x</a>", "<|a href=\"https://e.example\">x<|/a>"),
        ("a <!-- b --> <?c?> <svg/onload=x>", "a <|!-- b --> <|?c?> <|svg/onload=x>"),
        ("if a<b then c>d; <x@y.example>, <3", "if a<b then c>d; <x@y.example>, <3"),
        ("<x <b>y</b>", "<x <|b>y<|/b>"),
    ];
    for (text, expected) in table {
        let expected = expected.replace('|', "\u{2060}");
        assert_eq!(neutralise_markup(text), expected, "{text}");
        assert_eq!(neutralise_markup(&expected), expected, "once is enough: {text}");
        assert!(!looks_like_html(&expected), "{text}");
    }
}

#[test]
fn long_texts_are_cut_and_split() {
    assert_eq!(cut("abcdef", 6), "abcdef");
    assert_eq!(cut("abcdefg", 6), "abcde…");
    let paragraphs = "one two three four five\n\nsix seven eight nine ten eleven";
    assert_eq!(split(paragraphs, 40), ["one two three four five (1/2)", "six seven eight nine ten eleven (2/2)"]);
    assert_eq!(split("short", 40), ["short"]);
    let long = "x".repeat(100);
    let parts = split(&long, 40);
    assert!(parts.len() == 3 && parts.iter().all(|p| length(p) <= 40), "{parts:?}");
}

proptest! {
    #[test]
    fn a_part_is_never_longer_than_the_limit_and_nothing_is_lost(
        text in "([a-z0-9ä😀]{1,60}[ .\n]{0,3}){0,60}", limit in 32_usize..400
    ) {
        let parts = split(&text, limit);
        for part in &parts {
            prop_assert!(length(part) <= limit, "{} > {limit}", length(part));
        }
        let total = parts.len();
        let bodies: String = parts.iter().enumerate().map(|(at, part)| {
            let mark = format!(" ({}/{total})", at + 1);
            part.strip_suffix(&mark).unwrap_or(part)
        }).collect();
        let solid = |t: &str| t.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        prop_assert_eq!(solid(&bodies), solid(&text));
    }

    #[test]
    fn a_cut_is_never_longer(text in any::<String>(), max in 0_usize..50) {
        prop_assert!(length(&cut(&text, max)) <= max);
    }

    #[test]
    fn no_tag_survives_that_is_not_safe(
        html in "(<|>|/|\"|'|=|&|;|a|b|p|br|script|img|href|https://e|java|javascript:|on|x| |\n|<a href=\"|<p |<!--|-->|é){0,40}"
    ) {
        prop_assert_eq!(only_safe_tags(&sanitise(&html)), Ok(()));
        prop_assert_eq!(only_safe_tags(&message_to_html(&html)), Ok(()));
        prop_assert_eq!(only_safe_tags(&text_to_html(&html)), Ok(()));
        prop_assert!(!looks_like_html(&neutralise_markup(&html)));
    }

    #[test]
    fn anything_at_all_is_survived(text in any::<String>()) {
        prop_assert_eq!(only_safe_tags(&message_to_html(&text)), Ok(()));
        let _ = html_to_text(&text);
        let _ = message_to_text(&text);
        let _ = neutralise_mentions(&text);
        prop_assert!(!looks_like_html(&neutralise_markup(&text)));
    }

    #[test]
    fn plain_text_comes_back_whole(text in "[a-zA-Z0-9 .,&<>\"'äß#*`_()\\-\n]{0,200}") {
        let back = html_to_text(&text_to_html(&text));
        prop_assert_eq!(words(&back), words(&text));
        if !looks_like_html(&text) {
            let html = message_to_html(&text);
            prop_assert_eq!(words(&html_to_text(&html)), words(&text), "{}", html);
        }
    }

    #[test]
    fn the_words_of_html_are_all_in_the_text(parts in proptest::collection::vec(("[a-z0-9]{1,8}", 0_usize..6), 0..20)) {
        let tags = ["p", "div", "b", "li", "td", "h2"];
        let html: String = parts.iter().map(|(w, t)| format!("<{0}>{w}</{0}>", tags[*t])).collect();
        let plain: String = parts.iter().map(|(w, _)| w.as_str()).collect();
        prop_assert_eq!(words(&html_to_text(&html)), plain.clone());
        prop_assert_eq!(words(&html_to_text(&sanitise(&html))), plain);
    }
}
