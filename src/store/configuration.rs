//! The installation: connections, clients, policies, workspaces, look-ups. Plain tables with one version counter.

use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use sqlx::sqlite::SqliteRow;

use super::{
    Store, Tx,
    error::{Result, StoreError},
    row::{Cells, one, statements, to_json},
    secrets::SecretOwner,
};
use crate::domain::{
    catalogue::{Catalogue, Named},
    client::Client,
    connection::{HaloConnection, MicrosoftConnection},
    ids::{ClientId, ConnectionId, PolicyId, WorkspaceId},
    policy::{Policy, base::resolve},
    time::to_ms,
    workspace::Workspace,
};

statements! {
    const VERSION = "SELECT version FROM installation WHERE id = 1";
    const MICROSOFT = "SELECT id, value FROM connections WHERE kind = 'microsoft' ORDER BY name, id";
    const HALO = "SELECT id, value FROM connections WHERE kind = 'halo' ORDER BY name, id";
    const CLIENTS = "SELECT id, value FROM clients ORDER BY name, id";
    const WORKSPACES = "SELECT id, value FROM workspaces ORDER BY arm_id";
    const POLICIES = "SELECT id, value FROM policies ORDER BY name, id";
    const PAIRED_CLIENTS = "SELECT client AS id, halo, halo_client_id, MAX(changed_ms) AS changed_ms FROM pairs
        GROUP BY client, halo, halo_client_id ORDER BY changed_ms DESC";
    const PUT_CONNECTION = "INSERT INTO connections (id, kind, name, value) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, value = excluded.value WHERE kind = excluded.kind";
    const PUT_CLIENT = "INSERT INTO clients (id, name, halo, halo_client_id, value) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, halo = excluded.halo,
            halo_client_id = excluded.halo_client_id, value = excluded.value";
    const PUT_POLICY = "INSERT INTO policies (id, name, value, base) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, value = excluded.value, base = excluded.base";
    const PUT_WORKSPACE = "INSERT INTO workspaces (id, arm_id, client, connection, policy, mode, value)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (id) DO UPDATE SET arm_id = excluded.arm_id, client = excluded.client,
            connection = excluded.connection, policy = excluded.policy, mode = excluded.mode, value = excluded.value";
    const REMOVE_CONNECTION = "DELETE FROM connections WHERE id = ?1";
    const REMOVE_CATALOGUE = "DELETE FROM catalogues WHERE connection = ?1";
    const REMOVE_CLIENT = "DELETE FROM clients WHERE id = ?1";
    const REMOVE_POLICY = "DELETE FROM policies WHERE id = ?1";
    const REMOVE_WORKSPACE = "DELETE FROM workspaces WHERE id = ?1";
    const CATALOGUE = "SELECT connection AS id, value, read_ms FROM catalogues WHERE connection = ?1";
    const PUT_CATALOGUE = "INSERT INTO catalogues (connection, value, read_ms) VALUES (?1, ?2, ?3)
        ON CONFLICT (connection) DO UPDATE SET value = excluded.value, read_ms = excluded.read_ms";
}

/// Name of the setting that keeps clients that were taken out.
const REMOVED_CLIENTS: &str = "clients/removed";

/// What is read of a [`Catalogue`] that is kept; the rest is passed over.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Statuses {
    statuses: Vec<Named>,
}

/// Everything set up, from one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Installation {
    /// Microsoft sign-ins, by name.
    pub microsoft: Vec<MicrosoftConnection>,
    /// Halo instances, by name.
    pub halo: Vec<HaloConnection>,
    /// Customers, by name.
    pub clients: Vec<Client>,
    /// Workspaces, by ARM id.
    pub workspaces: Vec<Workspace>,
    /// Policies, by name; one that builds on another holds what applies, the base's members too.
    pub policies: Vec<Policy>,
    /// Rises with each change.
    pub version: i64,
}

/// A workspace with all it refers to.
#[derive(Debug, Clone, Copy)]
pub struct Connected<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// Whose it is.
    pub client: &'a Client,
    /// The sign-in that reaches it.
    pub microsoft: &'a MicrosoftConnection,
    /// What may cross.
    pub policy: &'a Policy,
    /// The client's Halo instance, when bound.
    pub halo: Option<&'a HaloConnection>,
}

impl Installation {
    /// The policy that is meant where none is named: the first that builds on no other.
    pub fn first_policy(&self) -> Option<&Policy> {
        self.policies.iter().find(|policy| policy.base.is_none())
    }

    /// A workspace with all it refers to.
    pub fn connected(&self, workspace: WorkspaceId) -> Option<Connected<'_>> {
        let workspace = self.workspaces.iter().find(|w| w.id == workspace)?;
        let client = self.clients.iter().find(|c| c.id == workspace.client)?;
        Some(Connected {
            workspace,
            client,
            microsoft: self.microsoft.iter().find(|c| c.id == workspace.connection)?,
            policy: self.policies.iter().find(|p| p.id == workspace.policy)?,
            halo: client.halo.as_ref().and_then(|binding| self.halo.iter().find(|c| c.id == binding.connection)),
        })
    }
}

fn values<T: DeserializeOwned>(rows: &[SqliteRow], table: &'static str) -> Result<Vec<T>> {
    rows.iter().map(|row| Cells::new(row, table).json("value")).collect()
}

impl Store {
    /// Everything set up, from one moment.
    ///
    /// # Errors
    /// What the database says.
    pub async fn installation(&self) -> Result<Installation> {
        let mut reader = self.reader().await?;
        reader.begin_reading().await?;
        let mut installation = Installation {
            microsoft: values(&sqlx::query(MICROSOFT).fetch_all(&mut *reader).await?, "connections")?,
            halo: values(&sqlx::query(HALO).fetch_all(&mut *reader).await?, "connections")?,
            clients: values(&sqlx::query(CLIENTS).fetch_all(&mut *reader).await?, "clients")?,
            workspaces: values(&sqlx::query(WORKSPACES).fetch_all(&mut *reader).await?, "workspaces")?,
            policies: values(&sqlx::query(POLICIES).fetch_all(&mut *reader).await?, "policies")?,
            version: sqlx::query_scalar(VERSION).fetch_one(&mut *reader).await?,
        };
        reader.commit().await?;
        resolve(&mut installation.policies);
        Ok(installation)
    }

    /// The version of the installation: cheap, and sees other processes' commits.
    ///
    /// # Errors
    /// What the database says.
    pub async fn configuration_version(&self) -> Result<i64> {
        let mut reader = self.reader().await?;
        Ok(sqlx::query_scalar(VERSION).fetch_one(&mut *reader).await?)
    }

    /// Clients that were taken out, the last one last.
    ///
    /// # Errors
    /// What the database says.
    pub async fn removed_clients(&self) -> Result<Vec<Client>> {
        let text = self.setting(REMOVED_CLIENTS).await?;
        let corrupt = |_| StoreError::Corrupt { table: "settings", column: "value", id: REMOVED_CLIENTS.to_owned() };
        text.map_or_else(|| Ok(Vec::new()), |text| serde_json::from_str(&text).map_err(corrupt))
    }

    /// Clients that pairs belong to, set up or not, with their places in Halo then; the last one to change first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn paired_clients(&self) -> Result<Vec<(ClientId, ConnectionId, i64)>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(PAIRED_CLIENTS).fetch_all(&mut *reader).await?;
        rows.iter()
            .map(|row| {
                let cells = Cells::new(row, "pairs");
                Ok((cells.id("id")?, cells.id("halo")?, cells.int("halo_client_id")?))
            })
            .collect()
    }

    /// Halo's look-ups of a connection and when they were read.
    ///
    /// # Errors
    /// What the database says.
    pub async fn catalogue(&self, connection: ConnectionId) -> Result<Option<(Catalogue, Timestamp)>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(CATALOGUE).bind(connection.to_string()).fetch_optional(&mut *reader).await?;
        row.map(|row| {
            let cells = Cells::new(&row, "catalogues");
            Ok((cells.json("value")?, cells.time("read_ms")?))
        })
        .transpose()
    }

    /// Names of a Halo instance's ticket statuses, as last read: all that a list needs of its look-ups, which hold
    /// thousands of clients and agents as well.
    ///
    /// # Errors
    /// What the database says.
    pub async fn ticket_statuses(&self, connection: ConnectionId) -> Result<Vec<Named>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(CATALOGUE).bind(connection.to_string()).fetch_optional(&mut *reader).await?;
        let Some(row) = row else { return Ok(Vec::new()) };
        Ok(Cells::new(&row, "catalogues").json::<Statuses>("value")?.statuses)
    }

    /// Keeps Halo's look-ups. Not a change of the installation.
    ///
    /// # Errors
    /// What the database says.
    pub async fn put_catalogue(&self, connection: ConnectionId, catalogue: &Catalogue, read: Timestamp) -> Result<()> {
        let mut tx = self.begin().await?;
        tx.put_catalogue(connection, catalogue, read).await?;
        tx.commit().await
    }
}

impl Tx {
    /// The version of the installation, which nobody else can change while this transaction is open.
    ///
    /// # Errors
    /// What the database says.
    pub async fn configuration_version(&mut self) -> Result<i64> {
        Ok(sqlx::query_scalar(VERSION).fetch_one(&mut *self.connection).await?)
    }

    async fn put_connection(&mut self, kind: &'static str, id: ConnectionId, name: &str, value: String) -> Result<()> {
        let query = sqlx::query(PUT_CONNECTION).bind(id.to_string()).bind(kind).bind(name).bind(value);
        self.configuration_changed = true;
        one(query.execute(&mut *self.connection).await?.rows_affected(), "connections", id)
    }

    /// Adds or changes a Microsoft connection.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the name is.
    pub async fn put_microsoft(&mut self, connection: &MicrosoftConnection) -> Result<()> {
        self.put_connection("microsoft", connection.id, &connection.name, to_json(connection)?).await
    }

    /// Adds or changes a Halo connection.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the name is.
    pub async fn put_halo(&mut self, connection: &HaloConnection) -> Result<()> {
        self.put_connection("halo", connection.id, &connection.name, to_json(connection)?).await
    }

    /// Adds or changes a client.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the name or the Halo client is, [`StoreError::InUse`] when its connection does not exist.
    pub async fn put_client(&mut self, client: &Client) -> Result<()> {
        let query = sqlx::query(PUT_CLIENT)
            .bind(client.id.to_string())
            .bind(client.name.as_str())
            .bind(client.halo.as_ref().map(|halo| halo.connection.to_string()))
            .bind(client.halo.as_ref().map(|halo| halo.halo_client_id))
            .bind(to_json(client)?);
        self.configuration_changed = true;
        let done = query.execute(&mut *self.connection).await.map_err(|error| named(error, &client.name))?;
        one(done.rows_affected(), "clients", client.id)
    }

    /// Adds or changes a policy; its base must be there before.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the name is, [`StoreError::InUse`] when its base does not exist.
    pub async fn put_policy(&mut self, policy: &Policy) -> Result<()> {
        let query = sqlx::query(PUT_POLICY)
            .bind(policy.id.to_string())
            .bind(policy.name.as_str())
            .bind(to_json(policy)?)
            .bind(policy.base.as_ref().map(|base| base.policy.to_string()));
        self.configuration_changed = true;
        let done = query.execute(&mut *self.connection).await.map_err(|error| named(error, &policy.name))?;
        one(done.rows_affected(), "policies", policy.id)
    }

    /// Adds or changes a workspace.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the ARM id is, [`StoreError::InUse`] when what it refers to does not exist.
    pub async fn put_workspace(&mut self, workspace: &Workspace) -> Result<()> {
        let query = sqlx::query(PUT_WORKSPACE)
            .bind(workspace.id.to_string())
            .bind(workspace.arm_id.as_str())
            .bind(workspace.client.to_string())
            .bind(workspace.connection.to_string())
            .bind(workspace.policy.to_string())
            .bind(workspace.mode.as_str())
            .bind(to_json(workspace)?);
        self.configuration_changed = true;
        let done = query.execute(&mut *self.connection).await.map_err(|error| named(error, &workspace.name))?;
        one(done.rows_affected(), "workspaces", workspace.id)
    }

    async fn remove(&mut self, statement: &'static str, table: &'static str, id: String) -> Result<()> {
        self.configuration_changed = true;
        let done = sqlx::query(statement).bind(&id).execute(&mut *self.connection).await;
        one(done.map_err(|error| named(error, table))?.rows_affected(), table, id)
    }

    /// Removes a connection of either kind with its secrets and look-ups.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while a client or workspace refers to it, [`StoreError::Missing`].
    pub async fn remove_connection(&mut self, id: ConnectionId) -> Result<()> {
        self.remove(REMOVE_CONNECTION, "connections", id.to_string()).await?;
        sqlx::query(REMOVE_CATALOGUE).bind(id.to_string()).execute(&mut *self.connection).await?;
        self.remove_secrets(SecretOwner::Connection(id)).await
    }

    /// Keeps which clients were taken out.
    ///
    /// # Errors
    /// What the database says.
    pub async fn put_removed_clients(&mut self, clients: &[Client]) -> Result<()> {
        self.put_setting(REMOVED_CLIENTS, Some(&to_json(&clients)?)).await
    }

    /// Removes a client. Its pairs and its chain stay.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while a workspace is its, [`StoreError::Missing`].
    pub async fn remove_client(&mut self, id: ClientId) -> Result<()> {
        self.remove(REMOVE_CLIENT, "clients", id.to_string()).await
    }

    /// Removes a policy.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while a workspace uses it or a policy builds on it, [`StoreError::Missing`].
    pub async fn remove_policy(&mut self, id: PolicyId) -> Result<()> {
        self.remove(REMOVE_POLICY, "policies", id.to_string()).await
    }

    /// Removes a workspace with its secrets. Its pairs stay.
    ///
    /// # Errors
    /// [`StoreError::Missing`].
    pub async fn remove_workspace(&mut self, id: WorkspaceId) -> Result<()> {
        self.remove(REMOVE_WORKSPACE, "workspaces", id.to_string()).await?;
        self.remove_secrets(SecretOwner::Workspace(id)).await
    }

    /// Keeps Halo's look-ups. Not a change of the installation.
    ///
    /// # Errors
    /// What the database says.
    pub async fn put_catalogue(
        &mut self,
        connection: ConnectionId,
        catalogue: &Catalogue,
        read: Timestamp,
    ) -> Result<()> {
        let query = sqlx::query(PUT_CATALOGUE).bind(connection.to_string()).bind(to_json(catalogue)?).bind(to_ms(read));
        query.execute(&mut *self.connection).await?;
        Ok(())
    }
}

fn named(error: sqlx::Error, what: &str) -> StoreError {
    match StoreError::from(error) {
        StoreError::InUse(_) => StoreError::InUse(what.to_owned()),
        other => other,
    }
}
