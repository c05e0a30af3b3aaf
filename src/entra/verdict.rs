//! What is said of Entra's errors: one table by their numbers, then by the name of the error (sentinel-api sheet 3.5, and
//! Microsoft's list of AADSTS numbers for the rest that somebody who sets this up can meet).

use crate::domain::failure::FailureKind::{self, Forbidden, Rejected, SignInAgain};

/// A policy of the tenant says no.
pub const POLICY: &[i64] =
    &[53_000, 53_001, 53_002, 53_003, 53_004, 53_009, 53_011, 53_200, 530_032, 530_034, 530_035, 50_131, 50_005];
/// A policy of the tenant wants a device of its own.
pub const DEVICE: &[i64] = &[50_097, 50_129, 50_155, 530_001, 530_002, 530_003, 530_021, 700_003];
/// A second factor is wanted, or failed.
pub const SECOND_FACTOR: &[i64] = &[50_076, 50_079, 50_072, 50_074, 50_078, 50_158, 50_125, 50_203, 500_121];
/// The account is not one of this tenant, or may not use the app.
pub const ACCOUNT: &[i64] =
    &[50_057, 50_034, 50_105, 50_020, 90_072, 50_177, 50_178, 51_004, 500_341, 500_200, 500_202, 500_212];
/// The app, or the service, is switched off in the tenant.
pub const DISABLED: &[i64] = &[7_000_112];

/// Numbers that Microsoft shows to people on its own pages, before anybody comes back here.
pub const SHOWN_THERE: [i64; 27] = [
    50_011, 500_113, 900_971, 700_016, 7_000_112, 50_194, 90_002, 90_038, 50_020, 50_034, 50_105, 50_057, 50_053,
    50_126, 65_001, 65_004, 90_094, 650_056, 650_052, 500_011, 53_003, 530_003, 50_076, 500_121, 70_043, 7_000_222,
    9_002_326,
];

/// Of numbers that are not in the table.
const NO_LONGER: &str = "Microsoft no longer accepts the sign-in. Sign in again.";
const NOT_THIS_WAY: &str = "The app may not be used this way in this tenant. Check the app registration's set-up.";
const REFUSED: &str =
    "Microsoft refuses the sign-in request. Check tenant id, client id and endpoints of the connection.";

type Row = (&'static [i64], FailureKind, &'static str);

/// The first row counts that has one of the numbers.
static TABLE: [Row; 29] = [
    (&[7_000_222], SignInAgain, "The app registration's client secret has expired. Create a new one and enter it."),
    (&[7_000_215], SignInAgain, "Microsoft refuses the client secret. Enter the secret's value, not its id."),
    (
        &[700_024, 500_133],
        SignInAgain,
        "Microsoft finds the app's signed proof not valid at this time. Set this machine's clock right, and check that the \
         certificate has not ended.",
    ),
    (
        &[700_027, 700_030, 50_013],
        SignInAgain,
        "Microsoft refuses the certificate. Upload it to the app registration, or enter the right one.",
    ),
    (
        &[700_025, 7_000_218, 9_002_325, 9_002_326, 9_002_327, 9_002_328],
        SignInAgain,
        "The redirect address is registered for another platform, not for “Web”. Remove it there in the app registration, \
         and add it under the platform “Web”.",
    ),
    (DISABLED, SignInAgain, "The app is disabled in this tenant. Enable it there under Enterprise applications."),
    (
        &[700_016, 7_000_229, 70_001],
        SignInAgain,
        "The app is unknown in this tenant. Check client id and tenant, or give admin consent there.",
    ),
    (&[50_194], SignInAgain, "The app registration is single-tenant. Make it multi-tenant, or use its own tenant."),
    (
        &[90_038, 90_043, 900_382, 900_383, 900_432],
        SignInAgain,
        "The tenant is in another cloud (public, US Government or China). Choose its cloud under Set-up, Microsoft.",
    ),
    (
        &[90_002, 900_021, 900_023, 50_059, 50_128],
        SignInAgain,
        "Microsoft doesn't know this tenant. Correct the tenant id of the connection.",
    ),
    (
        &[500_011, 650_052, 500_014],
        Forbidden,
        "The tenant does not know this service. An administrator must consent, or do without log queries.",
    ),
    (
        &[650_053, 650_056, 650_057, 65_005],
        SignInAgain,
        "The app registration lacks a permission. Add the three delegated permissions shown under Set-up, Microsoft, then \
         have an administrator open the consent link.",
    ),
    (
        &[90_093, 90_094, 90_095, 90_097, 900_941],
        SignInAgain,
        "Only an administrator may consent in this tenant. Send one the consent link, then sign in again.",
    ),
    (&[65_001], SignInAgain, "Consent is missing in this tenant. Open the consent link as an administrator."),
    (&[65_004], SignInAgain, "The sign-in was declined. Sign in again and accept the permissions."),
    (&[70_043], SignInAgain, "The tenant's sign-in frequency policy ended the session. Sign in again."),
    (
        DEVICE,
        SignInAgain,
        "A conditional access policy wants a device that the tenant manages. Sign in again from such a one, or ask the \
         tenant's administrator.",
    ),
    (
        POLICY,
        SignInAgain,
        "A conditional access policy blocks this sign-in. Ask the tenant's administrator, then sign in again.",
    ),
    (SECOND_FACTOR, SignInAgain, "Microsoft asks for a second factor. Sign in again."),
    (
        &[50_053],
        SignInAgain,
        "The account is locked after too many attempts. Wait, or have the tenant's administrator unlock it, then sign in \
         again.",
    ),
    (
        &[50_055, 50_056, 50_126, 50_142, 50_144],
        SignInAgain,
        "Name or password of the account is wrong, or the password has expired. Put it right at Microsoft, then sign in \
         again.",
    ),
    (
        ACCOUNT,
        SignInAgain,
        "The signed-in account is disabled, unknown or not assigned in this tenant. Use another account.",
    ),
    (
        &[54_005, 501_481, 16_000, 16_001, 50_058, 50_140, 50_199, 165_000, 165_004],
        SignInAgain,
        "The sign-in was interrupted or used twice. Start it again.",
    ),
    (
        &[50_173, 700_082, 700_084, 70_008, 50_089, 50_132, 50_133, 70_000],
        SignInAgain,
        "The sign-in has expired or was revoked. Sign in again.",
    ),
    (
        &[50_011, 500_111, 500_112, 500_113, 500_117, 900_971],
        Rejected,
        "The redirect address is not registered. Add the one shown here to the app registration.",
    ),
    (
        &[900_144, 90_014],
        Rejected,
        "Microsoft misses a part of the sign-in request. Check that tenant id and client id of the connection are filled in, \
         and that nothing between here and Microsoft changes what is sent.",
    ),
    (
        &[700_051, 700_054],
        Rejected,
        "The app registration does not allow this kind of sign-in. Set it up as a “Web” app, as shown under Set-up, \
         Microsoft.",
    ),
    (
        &[70_011, 28_002, 28_003],
        Rejected,
        "Microsoft refuses the permissions asked for. Check the endpoints of the connection.",
    ),
    (
        &[50_196],
        Rejected,
        "Microsoft's sign-in service asks to wait: too many token requests. Try again in five minutes.",
    ),
];

/// Whether Microsoft's sign-in is out of order: nothing is wrong with what was asked.
pub fn out_of_order(error: &str, codes: &[i64]) -> bool {
    matches!(error, "temporarily_unavailable" | "server_error")
        || codes.iter().any(|code| [90_033, 90_006, 90_024, 50_000].contains(code))
}

/// What an error asks for, and its sentence.
pub fn verdict(error: &str, suberror: &str, codes: &[i64]) -> (FailureKind, &'static str) {
    if let Some((_, kind, text)) = TABLE.iter().find(|(numbers, ..)| codes.iter().any(|code| numbers.contains(code))) {
        return (*kind, *text);
    }
    let named = |number: i64| TABLE.iter().find(|(numbers, ..)| numbers.contains(&number)).map(|row| (row.1, row.2));
    let known = match (error, suberror) {
        (_, "consent_required") | ("consent_required", _) => named(65_001),
        ("invalid_client", _) => {
            Some((SignInAgain, "Microsoft refuses the app's proof. Enter a valid client secret or certificate."))
        }
        ("invalid_resource", _) => named(500_011),
        ("access_denied", _) => named(65_004),
        ("interaction_required", _) => named(50_076),
        ("invalid_grant" | "login_required", _) => Some((SignInAgain, NO_LONGER)),
        ("unauthorized_client", _) => Some((SignInAgain, NOT_THIS_WAY)),
        ("invalid_scope", _) => named(70_011),
        _ => None,
    };
    known.unwrap_or((Rejected, REFUSED))
}

/// The sentence with Microsoft's number behind it where it is one of those that tell little: the number can be looked up.
pub fn numbered(text: &str, number: Option<i64>) -> String {
    if [NO_LONGER, NOT_THIS_WAY, REFUSED].contains(&text) { with_number(text, number) } else { text.to_owned() }
}

/// The sentence with Microsoft's number behind it.
pub fn with_number(text: &str, number: Option<i64>) -> String {
    match number {
        Some(number) => format!("{text} Microsoft's number for it is AADSTS{number}."),
        None => text.to_owned(),
    }
}
