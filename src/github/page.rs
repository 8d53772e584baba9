//! Lists that come in pages: where the next one is, as the `Link` header tells it.

/// Returns the address of the next page.
pub(crate) fn next(link: &str) -> Option<&str> {
    link.split(',').find_map(|part| {
        let (address, parameters) = part.trim().split_once('>')?;
        let is_next = parameters
            .split(';')
            .any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
        address.strip_prefix('<').filter(|_| is_next)
    })
}

/// Returns the path and query of `address`, if it is on the server of `api_url` and inside it.
///
/// Only these are used for the next request, so that no header can send the token elsewhere.
pub(crate) fn local<'a>(address: &'a str, api_url: &str) -> Option<&'a str> {
    let (_, host) = split(api_url)?;
    let (_, prefix) = host.split_once('/').unwrap_or((host, ""));
    let host = host.split_once('/').map_or(host, |(host, _)| host);
    let (_, rest) = split(address)?;
    let at = rest.find('/')?;
    let (found, path) = rest.split_at(at);
    let inside = path.strip_prefix('/')?.strip_prefix(prefix)?;
    let whole = prefix.is_empty() || inside.starts_with('/');
    (found.eq_ignore_ascii_case(host) && whole).then_some(path)
}

/// Whether a file may be fetched from an address: from any server over https, and over the
/// scheme of `api_url` from the API's own machine, so that it works where everything is local.
pub(super) fn is_safe(address: &str, api_url: &str) -> bool {
    let machine = |address| {
        let (scheme, rest) = split(address)?;
        let host = rest.split(['/', '?', '#', '\\']).next()?;
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        (!name.is_empty() && !name.contains('@')).then_some((scheme, name))
    };
    machine(address).is_some_and(|found| found.0 == "https" || Some(found) == machine(api_url))
}

/// The server of an address, with its scheme; none where it has no server.
pub(super) fn origin(address: &str) -> Option<&str> {
    let (scheme, rest) = split(address)?;
    let host = rest.split(['/', '?', '#', '\\']).next()?;
    address.get(..scheme.len() + "://".len() + host.len())
}

fn split(address: &str) -> Option<(&str, &str)> {
    address
        .split_once("://")
        .filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_the_links() {
        let link = "<https://a.example/x?page=1>; rel=\"prev\", \
                    <https://a.example/x?page=3>; rel=\"next\", \
                    <https://a.example/x?page=9>; rel=\"last\"";
        assert_eq!(next(link), Some("https://a.example/x?page=3"));
        for none in ["", "<https://a.example/x>; rel=\"last\"", "next", "<>;"] {
            assert_eq!(next(none), None, "{none}");
        }
    }

    #[test]
    fn files_are_fetched_over_https_or_from_the_machine_of_the_api() {
        for (address, from_hub, from_local) in [
            ("https://storage.example/x?sig=1", true, true),
            ("http://storage.example/x", false, false),
            ("http://127.0.0.1:7/x", false, true),
            ("http://127.0.0.1.evil.example/x", false, false),
            ("http://127.0.0.1@evil.example/x", false, false),
            ("https://user@storage.example/x", false, false),
            ("https:///x", false, false),
            ("ftp://127.0.0.1/x", false, false),
            ("file:///etc/passwd", false, false),
            ("/x", false, false),
            ("", false, false),
        ] {
            assert_eq!(
                is_safe(address, "https://api.github.com"),
                from_hub,
                "{address}"
            );
            assert_eq!(
                is_safe(address, "http://127.0.0.1:9"),
                from_local,
                "{address}"
            );
        }
    }

    #[test]
    fn only_the_server_of_an_address_is_told() {
        for (address, expected) in [
            ("https://a.example/x?sig=secret", Some("https://a.example")),
            ("http://a.example:8?sig=secret", Some("http://a.example:8")),
            ("ftp://a.example/x", None),
            ("/x?sig=secret", None),
        ] {
            assert_eq!(origin(address), expected, "{address}");
        }
    }

    #[test]
    fn only_pages_of_the_same_server_are_followed() {
        let api = "https://git.example.com/api/v3";
        let page = "https://git.example.com/api/v3/repositories/1/x?page=2";
        assert_eq!(local(page, api), Some("/api/v3/repositories/1/x?page=2"));
        assert_eq!(
            local(
                "https://api.github.com/repositories/1?page=2",
                "https://api.github.com"
            ),
            Some("/repositories/1?page=2")
        );
        for elsewhere in [
            "https://evil.example/api/v3/x?page=2",
            "https://git.example.com@evil.example/api/v3/x",
            "https://git.example.com.evil.example/api/v3/x",
            "https://git.example.com/api/v3x/y",
            "https://git.example.com/other",
            "/api/v3/x",
            "file:///api/v3/x",
        ] {
            assert_eq!(local(elsewhere, api), None, "{elsewhere}");
        }
    }
}
