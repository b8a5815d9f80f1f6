-- +goose Up
-- Times are microseconds since the epoch (bigint). Ids are canonical UUID text.
-- {{json}} is text on SQLite and jsonb on PostgreSQL; {{text}} compares by bytes on both. Every table of a tenant
-- leads with app_id, in its keys and indexes; app_id '' is the server itself.

create table meta (
  name  {{text}} primary key,
  value {{text}} not null
);

create table serials (
  app_id {{text}} not null,
  name   {{text}} not null,
  value  bigint not null,
  primary key (app_id, name)
);

create table orgs (
  id         {{text}} primary key,
  name       {{text}} not null,
  name_match {{text}} not null unique,
  admin_id   {{text}} unique, -- whose own org it is; null for those that are shared
  properties {{json}} not null,
  created_at bigint not null,
  updated_at bigint not null
);

create table admins (
  id             {{text}} primary key,
  seq            bigint not null unique,
  email          {{text}} not null unique,
  username       {{text}} not null,
  username_match {{text}} unique,
  name           {{text}} not null,
  first_name     {{text}} not null,
  last_name      {{text}} not null,
  activated      boolean not null,
  disabled       boolean not null,
  password       {{text}} not null,
  key_hash       {{text}} not null unique,
  key_sealed     {{text}} not null,
  metadata       {{json}} not null,
  properties     {{json}} not null,
  created_at     bigint not null,
  updated_at     bigint not null
);

create table org_members (
  org_id     {{text}} not null references orgs (id) on delete cascade,
  admin_id   {{text}} not null references admins (id) on delete cascade,
  created_at bigint not null,
  primary key (org_id, admin_id)
);
create index org_members_admin on org_members (admin_id);

create table apps (
  id          {{text}} primary key,
  org_id      {{text}} not null references orgs (id),
  seq         bigint not null unique,
  name        {{text}} not null,
  name_match  {{text}}, -- null once deleted: the name is free again
  alias       {{text}} unique,
  owner_id    {{text}},
  description {{text}} not null,
  metadata    {{json}} not null,
  config      {{json}} not null,
  settings    {{json}} not null,
  created_at  bigint not null,
  updated_at  bigint not null,
  deleted_at  bigint,
  unique (org_id, name_match)
);

create table members (
  app_id     {{text}} not null,
  admin_id   {{text}} not null references admins (id) on delete cascade,
  role       integer not null,
  created_at bigint not null,
  primary key (app_id, admin_id)
);
create index members_admin on members (admin_id);

create table invitations (
  app_id     {{text}} not null,
  id         {{text}} not null,
  seq        bigint not null unique,
  email      {{text}} not null,
  role       integer not null,
  key_hash   {{text}} not null unique,
  key_sealed {{text}} not null,
  inviter    {{text}} not null,
  state      integer not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (app_id, id),
  unique (app_id, email)
);
create index invitations_email on invitations (email);

create table api_keys (
  app_id      {{text}} not null,
  id          {{text}} not null,
  seq         bigint not null unique,
  name        {{text}} not null,
  description {{text}} not null,
  flags       integer not null,
  key_hash    {{text}} not null unique,
  key_sealed  {{text}} not null,
  created_at  bigint not null,
  primary key (app_id, id)
);

create table clients (
  app_id        {{text}} not null, -- '' for an org's own client
  id            {{text}} not null,
  org_id        {{text}} not null,
  public        {{text}} not null unique,
  secret_hash   {{text}} not null,
  secret_sealed {{text}} not null,
  created_at    bigint not null,
  primary key (app_id, id)
);
create index clients_org on clients (org_id);

create table users (
  app_id              {{text}} not null,
  id                  {{text}} not null,
  seq                 bigint not null,
  key                 {{text}} not null,
  activated           boolean not null,
  disabled            boolean not null,
  disabled_message    {{text}} not null,
  disabled_until      bigint,
  password_changed_at bigint,
  last_login_at       bigint,
  last_seen_at        bigint,
  created_at          bigint not null,
  updated_at          bigint not null,
  primary key (app_id, id),
  unique (app_id, seq),
  unique (app_id, key)
);

create table identities (
  app_id      {{text}} not null,
  kind        {{text}} not null,
  match       {{text}} not null,
  value       {{text}} not null,
  user_id     {{text}} not null,
  verified_at bigint,
  created_at  bigint not null,
  primary key (app_id, kind, match),
  foreign key (app_id, user_id) references users (app_id, id) on delete cascade
);
create index identities_user on identities (app_id, user_id, kind);

create table credentials (
  app_id     {{text}} not null,
  user_id    {{text}} not null,
  kind       {{text}} not null,
  hash       {{text}} not null,
  created_at bigint not null,
  primary key (app_id, user_id, kind),
  foreign key (app_id, user_id) references users (app_id, id) on delete cascade
);

create table password_history (
  app_id     {{text}} not null,
  user_id    {{text}} not null,
  hash       {{text}} not null,
  created_at bigint not null,
  foreign key (app_id, user_id) references users (app_id, id) on delete cascade
);
create index password_history_user on password_history (app_id, user_id, created_at);

create table sessions (
  app_id           {{text}} not null,
  token_hash       {{text}} not null,
  token_sealed     {{text}} not null, -- '' where no dialect shows the token again
  id               {{text}} not null,
  principal        integer not null,
  user_id          {{text}} not null,
  admin_id         {{text}} not null,
  org_id           {{text}} not null,
  dialect          {{text}} not null,
  standing         boolean not null,
  ends_on_password boolean not null,
  issued_at        bigint not null,
  last_used_at     bigint not null,
  expires_at       bigint,
  primary key (app_id, token_hash)
);
create unique index sessions_standing on sessions (app_id, user_id) where standing;
create unique index sessions_id on sessions (app_id, id);
create index sessions_user on sessions (app_id, user_id);
create index sessions_admin on sessions (app_id, admin_id);
create index sessions_expiry on sessions (expires_at) where expires_at is not null; -- the sweeper's, over all apps

create table tickets (
  app_id      {{text}} not null,
  secret_hash {{text}} not null,
  id          {{text}} not null,
  purpose     {{text}} not null,
  user_id     {{text}} not null,
  admin_id    {{text}} not null,
  address     {{text}} not null,
  created_at  bigint not null,
  expires_at  bigint not null,
  used_at     bigint,
  primary key (app_id, secret_hash)
);
create index tickets_user on tickets (app_id, user_id, purpose);
create index tickets_admin on tickets (app_id, admin_id, purpose);
create index tickets_expiry on tickets (expires_at); -- the sweeper's, over all apps

create table groups (
  app_id      {{text}} not null,
  id          {{text}} not null,
  seq         bigint not null,
  name        {{text}} not null,
  name_match  {{text}},
  title       {{text}} not null,
  description {{text}} not null,
  properties  {{json}} not null,
  created_at  bigint not null,
  updated_at  bigint not null,
  primary key (app_id, id),
  unique (app_id, seq),
  unique (app_id, name_match)
);

create table group_members (
  app_id     {{text}} not null,
  group_id   {{text}} not null,
  user_id    {{text}} not null,
  created_at bigint not null,
  primary key (app_id, group_id, user_id),
  foreign key (app_id, group_id) references groups (app_id, id) on delete cascade,
  foreign key (app_id, user_id) references users (app_id, id) on delete cascade
);
create index group_members_user on group_members (app_id, user_id);

create table roles (
  app_id     {{text}} not null,
  id         {{text}} not null,
  name       {{text}} not null,
  title      {{text}} not null,
  inactivity bigint not null, -- microseconds
  is_default boolean not null,
  is_admin   boolean not null,
  properties {{json}} not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (app_id, id),
  unique (app_id, name)
);

create table role_holders (
  app_id     {{text}} not null,
  role_id    {{text}} not null,
  subject    {{text}} not null, -- user:<id> or group:<id>
  created_at bigint not null,
  primary key (app_id, role_id, subject),
  foreign key (app_id, role_id) references roles (app_id, id) on delete cascade
);
create index role_holders_subject on role_holders (app_id, subject);

create table policy (
  app_id      {{text}} not null,
  subject     {{text}} not null, -- role:<name>, user:<id>, group:<id>, public
  source      {{text}} not null, -- the grant as it was written; removed by exact text
  permissions integer not null,
  path        {{text}} not null,
  created_at  bigint not null,
  primary key (app_id, subject, source)
);

create table collections (
  app_id        {{text}} not null,
  id            {{text}} not null,
  seq           bigint not null,
  name          {{text}} not null,
  name_match    {{text}} not null,
  kind          integer not null,
  description   {{text}} not null,
  schema        {{json}} not null,
  open          boolean not null,
  revision      bigint not null,
  own           boolean not null, -- has grants of its own
  grants        {{json}} not null,
  defaults      {{json}},
  metadata      {{json}} not null,
  extra         {{json}} not null,
  created_at    bigint not null,
  updated_at    bigint not null,
  primary key (app_id, id),
  unique (app_id, seq),
  unique (app_id, name_match)
);

create table records (
  app_id        {{text}} not null,
  id            {{text}} not null,
  collection_id {{text}} not null,
  seq           bigint not null,
  key           {{text}} not null,
  owner_id      {{text}} not null, -- '' without owner
  owner_seq     bigint not null,
  private       boolean not null,
  version       bigint not null,
  own           boolean not null, -- has grants of its own
  for_public    integer not null, -- permissions by the grants without a name
  for_anyone    integer not null,
  for_owner     integer not null,
  data          {{json}} not null,
  extra         {{json}} not null,
  created_by    {{text}} not null,
  updated_by    {{text}} not null,
  created_at    bigint not null,
  updated_at    bigint not null,
  primary key (app_id, id),
  unique (app_id, collection_id, seq),
  unique (app_id, collection_id, key),
  foreign key (app_id, collection_id) references collections (app_id, id) on delete cascade
);
create index records_owner on records (app_id, owner_id);

create table record_grants (
  app_id      {{text}} not null,
  record_id   {{text}} not null,
  subject     {{text}} not null, -- user:, group:, role:, key:
  permissions integer not null,
  primary key (app_id, record_id, subject),
  foreign key (app_id, record_id) references records (app_id, id) on delete cascade
);
create index record_grants_subject on record_grants (app_id, subject);

-- One row for each value of an indexed or ordered field, one for each item of
-- an indexed array or relation, and one where an ordered field is absent.
create table record_index (
  app_id        {{text}} not null,
  collection_id {{text}} not null,
  slot          {{text}} not null,
  absent        integer not null, -- 1 where num or txt stands for no value: it sorts after all others
  num           double precision,
  txt           {{text}},
  seq           bigint not null,
  record_id     {{text}} not null,
  foreign key (app_id, record_id) references records (app_id, id) on delete cascade
);
create index record_index_num on record_index (app_id, collection_id, slot, absent, num, seq) where num is not null;
create index record_index_txt on record_index (app_id, collection_id, slot, absent, txt, seq) where txt is not null;
create index record_index_record on record_index (app_id, record_id);

create table record_uniques (
  app_id        {{text}} not null,
  collection_id {{text}} not null,
  slot          {{text}} not null,
  value         {{text}} not null,
  record_id     {{text}} not null,
  primary key (app_id, collection_id, slot, value),
  foreign key (app_id, record_id) references records (app_id, id) on delete cascade
);
create index record_uniques_record on record_uniques (app_id, record_id);

create table links (
  app_id     {{text}} not null,
  from_id    {{text}} not null,
  name       {{text}} not null,
  to_id      {{text}} not null,
  created_at bigint not null,
  primary key (app_id, from_id, name, to_id),
  foreign key (app_id, from_id) references records (app_id, id) on delete cascade,
  foreign key (app_id, to_id) references records (app_id, id) on delete cascade
);
create index links_to on links (app_id, to_id, name);

create table files (
  app_id     {{text}} not null,
  id         {{text}} not null,
  handle     {{text}} not null unique,
  name       {{text}} not null,
  type       {{text}} not null,
  size       bigint not null,
  digest     {{text}} not null,
  owner_id   {{text}} not null,
  record_id  {{text}} not null, -- '' until a record holds it
  public     boolean not null,
  created_at bigint not null,
  primary key (app_id, id)
);
create index files_record on files (app_id, record_id);
create index files_staged on files (created_at) where record_id = '';

create table events (
  app_id  {{text}} not null,
  id      {{text}} not null,
  at      bigint not null,
  actor   {{text}} not null,
  verb    {{text}} not null,
  subject {{text}} not null,
  outcome integer not null,
  detail  {{text}} not null,
  primary key (app_id, id)
);
create index events_at on events (app_id, at);
