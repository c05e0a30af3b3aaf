//! The installation, accounts, sessions, requests.

use halobridge::{
    domain::{
        account::{Role, Scope, User},
        catalogue::{Catalogue, Named},
        ids::UserId,
        workspace::Mode,
    },
    store::{Account, SecretOwner, SecretSource, Store, StoreError},
};
use secrecy::SecretString;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
};

use super::fixture::*;

async fn set_up(store: &Store) {
    let mut tx = store.begin().await.unwrap();
    tx.put_microsoft(&microsoft_connection(1)).await.unwrap();
    tx.put_halo(&halo_connection(1)).await.unwrap();
    tx.put_client(&customer(1)).await.unwrap();
    tx.put_policy(&policy_of(1)).await.unwrap();
    tx.put_workspace(&workspace_of(1)).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn an_installation_comes_back_as_put() {
    let store = memory().await;
    assert_eq!(store.configuration_version().await.unwrap(), 0);
    set_up(&store).await;
    let found = store.installation().await.unwrap();
    assert_eq!(found.microsoft, [microsoft_connection(1)]);
    assert_eq!(found.halo, [halo_connection(1)]);
    assert_eq!(found.clients, [customer(1)]);
    assert_eq!(found.policies, [policy_of(1)]);
    assert_eq!(found.workspaces, [workspace_of(1)]);
    assert_eq!((found.version, store.configuration_version().await.unwrap()), (1, 1));
    let connected = found.connected(workspace(1)).unwrap();
    assert_eq!((connected.client.id, connected.halo.unwrap().id), (client(1), halo(1)));
    let mut changed = workspace_of(1);
    changed.mode = Mode::Observe;
    let mut tx = store.begin().await.unwrap();
    tx.put_workspace(&changed).await.unwrap();
    tx.commit().await.unwrap();
    let found = store.installation().await.unwrap();
    assert_eq!((found.workspaces, found.version), (vec![changed], 2));
    // Facts alone do not change the installation.
    linked(&store, 1).await;
    assert_eq!(store.configuration_version().await.unwrap(), 2);
}

#[tokio::test]
async fn another_process_sees_the_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let (one, two) = (Store::open(&path, key()).await.unwrap(), Store::open(&path, key()).await.unwrap());
    assert_eq!(one.configuration_version().await.unwrap(), 0);
    set_up(&two).await;
    assert_eq!(one.configuration_version().await.unwrap(), 1);
}

#[tokio::test]
async fn natural_names_are_unique_and_what_is_used_stays() {
    let store = memory().await;
    set_up(&store).await;
    let mut twice = halo_connection(2);
    twice.name = "MICROSOFT 1".into();
    let mut same_halo = customer(2);
    same_halo.halo.as_mut().unwrap().halo_client_id = 11;
    let mut same_arm = workspace_of(2);
    same_arm.arm_id = workspace_of(1).arm_id.to_uppercase();
    let mut nobodys = workspace_of(3);
    nobodys.client = client(9);
    let mut tx = store.begin().await.unwrap();
    assert!(matches!(tx.put_halo(&twice).await, Err(StoreError::Taken { .. })));
    assert!(matches!(tx.put_client(&same_halo).await, Err(StoreError::Taken { .. })));
    assert!(matches!(tx.put_workspace(&same_arm).await, Err(StoreError::Taken { .. })));
    assert!(matches!(tx.put_workspace(&nobodys).await, Err(StoreError::InUse(_))));
    assert!(matches!(tx.remove_connection(halo(1)).await, Err(StoreError::InUse(_))));
    assert!(matches!(tx.remove_client(client(1)).await, Err(StoreError::InUse(_))));
    assert!(matches!(tx.remove_policy(policy(1)).await, Err(StoreError::InUse(_))));
    assert!(matches!(tx.remove_workspace(workspace(9)).await, Err(StoreError::Missing { .. })));
    drop(tx);
    let owner = SecretOwner::Workspace(workspace(1));
    let mut tx = store.begin().await.unwrap();
    tx.put_secret(at(1), owner, "webhook", &SecretString::from("s"), &SecretSource::Sealed).await.unwrap();
    tx.remove_workspace(workspace(1)).await.unwrap();
    tx.remove_client(client(1)).await.unwrap();
    tx.remove_policy(policy(1)).await.unwrap();
    tx.remove_connection(halo(1)).await.unwrap();
    tx.remove_connection(microsoft(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(store.secret(owner, "webhook").await.unwrap().is_none());
    assert!(store.installation().await.unwrap().workspaces.is_empty());
}

#[tokio::test]
async fn look_ups_are_kept_with_their_time() {
    let store = memory().await;
    let catalogue = Catalogue {
        statuses: vec![Named { id: 1, name: "New".into() }],
        own_agent_id: Some(4),
        ..Catalogue::default()
    };
    assert_eq!(store.catalogue(halo(1)).await.unwrap(), None);
    store.put_catalogue(halo(1), &catalogue, at(5)).await.unwrap();
    assert_eq!(store.ticket_statuses(halo(1)).await.unwrap(), catalogue.statuses);
    assert!(store.ticket_statuses(halo(2)).await.unwrap().is_empty());
    assert_eq!(store.catalogue(halo(1)).await.unwrap(), Some((catalogue, at(5))));
    assert_eq!(store.configuration_version().await.unwrap(), 0);
}

fn account(n: u128, name: &str, role: Role) -> Account {
    let user = User {
        id: UserId(uuid::Uuid::from_u128(n)),
        name: name.into(),
        role,
        scope: Scope::Clients(vec![client(1)]),
        time_zone: None,
        disabled: false,
        created: at(1),
        seen: None,
    };
    Account { user, password_hash: Some("$argon2id$x".into()) }
}

#[tokio::test]
async fn accounts() {
    let store = memory().await;
    assert!(!store.has_admin().await.unwrap());
    let mut admin = account(1, "Ana", Role::Admin);
    let mut tx = store.begin().await.unwrap();
    tx.put_setup_code_hash(Some("h")).await.unwrap();
    tx.create_user(&admin).await.unwrap();
    tx.create_user(&account(2, "bea", Role::Viewer)).await.unwrap();
    let taken = tx.create_user(&account(3, "ANA", Role::Viewer)).await;
    assert!(matches!(taken, Err(StoreError::Taken { .. })), "{taken:?}");
    tx.commit().await.unwrap();
    assert!(store.has_admin().await.unwrap());
    assert_eq!(store.setup_code_hash().await.unwrap().as_deref(), Some("h"));
    assert_eq!(store.user_by_name(" aNA ").await.unwrap().unwrap(), admin);
    assert!(!format!("{admin:?}").contains("argon2"));
    admin.user.role = Role::Operator;
    admin.user.scope = Scope::All;
    let mut tx = store.begin().await.unwrap();
    tx.update_user(&admin.user).await.unwrap();
    tx.user_seen(admin.user.id, at(9)).await.unwrap();
    tx.put_password_hash(admin.user.id, Some("other")).await.unwrap();
    tx.put_setup_code_hash(None).await.unwrap();
    tx.commit().await.unwrap();
    let found = store.user(admin.user.id).await.unwrap().unwrap();
    assert_eq!(
        (found.user.role, found.user.seen, found.password_hash.as_deref()),
        (Role::Operator, Some(at(9)), Some("other"))
    );
    assert_eq!(store.setup_code_hash().await.unwrap(), None);
    assert!(!store.has_admin().await.unwrap());
    assert_eq!(store.users().await.unwrap().len(), 2);
    let mut tx = store.begin().await.unwrap();
    tx.remove_user(admin.user.id).await.unwrap();
    assert!(matches!(tx.remove_user(admin.user.id).await, Err(StoreError::Missing { .. })));
    tx.commit().await.unwrap();
    assert_eq!(store.users().await.unwrap().len(), 1);
}

#[tokio::test]
async fn sessions_live_in_the_database_under_a_hash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let store = Store::open(&path, key()).await.unwrap();
    let sessions = store.sessions();
    let expiry = time::OffsetDateTime::from_unix_timestamp(at(60).as_second()).unwrap();
    let mut record = Record { id: Id(42), data: Default::default(), expiry_date: expiry };
    record.data.insert("user".into(), serde_json::json!("ana"));
    sessions.create(&mut record).await.unwrap();
    let mut second = Record { id: Id(42), ..record.clone() };
    sessions.create(&mut second).await.unwrap();
    assert_ne!(second.id, record.id, "an id in use is not given twice");
    assert_eq!(sessions.load(&record.id).await.unwrap(), Some(record.clone()));
    record.data.insert("more".into(), serde_json::json!(1));
    sessions.save(&record).await.unwrap();
    assert_eq!(sessions.load(&record.id).await.unwrap().unwrap().data.len(), 2);
    let shown = record.id.to_string();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(shown.len()).any(|w| w == shown.as_bytes()));
    }
    sessions.delete(&second.id).await.unwrap();
    assert_eq!(sessions.load(&second.id).await.unwrap(), None);
    assert_eq!(store.expire_sessions(at(59)).await.unwrap(), 0);
    assert_eq!(store.expire_sessions(at(60)).await.unwrap(), 1);
    assert_eq!(sessions.load(&record.id).await.unwrap(), None);
}

#[tokio::test]
async fn another_process_asks_and_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halobridge.db");
    let (server, tool) = (Store::open(&path, key()).await.unwrap(), Store::open(&path, key()).await.unwrap());
    let id = tool.ask(at(1), "sync", &serde_json::json!({ "all": true })).await.unwrap();
    let asked = server.asked().await.unwrap();
    assert_eq!((asked.len(), asked[0].id, asked[0].kind.as_str()), (1, id, "sync"));
    server.answered(at(2), id, &serde_json::json!({ "read": 3 })).await.unwrap();
    assert!(server.asked().await.unwrap().is_empty());
    let answer = tool.request(id).await.unwrap().unwrap();
    assert_eq!((answer.answered, answer.result), (Some(at(2)), Some(serde_json::json!({ "read": 3 }))));
    assert!(matches!(server.answered(at(3), id, &serde_json::Value::Null).await, Err(StoreError::Missing { .. })));
}
