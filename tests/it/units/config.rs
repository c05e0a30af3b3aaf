//! The file: places and names.

/// `src/config/fault.rs`.
mod fault {
    use halobridge::config::fault::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        assert_eq!(line_column("a\nÄöx = 1", 6), (2, 3));
        assert_eq!(line_column("", 0), (1, 1));
        assert_eq!(line_column("ab", 99), (1, 3));
        assert_eq!(line_column("Ä", 1), (1, 1));
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("tenantid", ["tenant_id", "name"]), Some("tenant_id"));
        assert_eq!(nearest("Policy", ["policy"]), Some("policy"));
        assert_eq!(nearest("x", ["tenant_id", "name"]), None);
    }

    #[test]
    fn lists_read_as_a_sentence() {
        assert_eq!(listed(["a"]), "\"a\"");
        assert_eq!(listed(["a", "b", "c"]), "\"a\", \"b\" or \"c\"");
    }
}
