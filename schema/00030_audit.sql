-- +goose Up

SET LOCAL lock_timeout = '2s';

-- Who changed what, when and from where, with the state before and after. Triggers write an entry in the transaction of the
-- change, so neither exists without the other. An entry is never changed, except by audit_mask, and only audit_drop deletes any.
CREATE TABLE audit (
    id         uuid        PRIMARY KEY, -- in the order of time
    at         timestamptz NOT NULL,
    actor_kind text        NOT NULL CHECK (actor_kind <> ''), -- key, person or system
    actor_id   text        NOT NULL, -- empty: the system
    actor_name text        NOT NULL, -- as of then
    actor_from text        NOT NULL, -- the address of the caller; empty: unknown
    action     text        NOT NULL CHECK (action <> ''),
    kind       text        NOT NULL CHECK (kind <> ''), -- of the thing that was changed
    target     text        NOT NULL, -- its id; empty: there is but one, or the entry is about several
    name       text        NOT NULL, -- its name as of then, or empty
    recipient  text        NOT NULL, -- the phone number that the change is about, or empty; no other column has it
    before     jsonb, -- null: it did not exist
    after      jsonb, -- null: it does not exist any more
    CONSTRAINT audit_id_uuidv7 CHECK (get_byte(uuid_send(id), 6) >> 4 = 7)
);

-- Each filter of the list has an index in the order of the list.
CREATE INDEX audit_by_actor ON audit (actor_id, id) WHERE actor_id <> '';
CREATE INDEX audit_by_actor_kind ON audit (actor_kind, id);
CREATE INDEX audit_by_action ON audit (action, id);
CREATE INDEX audit_by_kind ON audit (kind, id);
CREATE INDEX audit_by_target ON audit (target, id) WHERE target <> '';
CREATE INDEX audit_by_name ON audit (name, id) WHERE name <> '';
CREATE INDEX audit_by_recipient ON audit (recipient, id) WHERE recipient <> '';

-- audit_id returns a UUIDv7 with the fraction of the millisecond in the 12 bits after the version (RFC 9562, 6.2, method 3).
CREATE FUNCTION audit_id(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(
        overlay(overlay(uuid_send(gen_random_uuid())
            PLACING substring(int8send(us / 1000) FROM 3) FROM 1 FOR 6)
            PLACING int2send((28672 + us % 1000 * 4096 / 1000)::int2) FROM 7 FOR 2), 'hex')::uuid
    FROM (SELECT (extract(epoch FROM at) * 1000000)::bigint AS us) AS t
$$;

-- +goose StatementBegin
CREATE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    door text := coalesce(current_setting('backstop.audit_door', true), '');
BEGIN
    IF TG_OP = 'DELETE' AND door = 'drop' THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND door = 'mask'
        AND to_jsonb(NEW) - ARRAY['recipient', 'before', 'after'] = to_jsonb(OLD) - ARRAY['recipient', 'before', 'after'] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the audit is append-only';
END
$$;
-- +goose StatementEnd

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_guard();
CREATE TRIGGER audit_not_truncated BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_guard();

-- audit_mask removes a person: it replaces the phone number by a mask, and drops notes and ids of messages. It returns
-- the number of entries.
-- +goose StatementBegin
CREATE FUNCTION audit_mask(number text, mask text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    masked bigint;
BEGIN
    PERFORM set_config('backstop.audit_door', 'mask', true);
    UPDATE audit SET recipient = mask, before = before - ARRAY['note', 'inbound'], after = after - ARRAY['note', 'inbound']
    WHERE recipient <> '' AND recipient = number;
    GET DIAGNOSTICS masked = ROW_COUNT;
    PERFORM set_config('backstop.audit_door', '', true);
    RETURN masked;
END
$$;
-- +goose StatementEnd

-- audit_drop deletes up to most of the oldest entries before a time, and returns their number.
-- +goose StatementBegin
CREATE FUNCTION audit_drop(until timestamptz, most integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    dropped bigint;
BEGIN
    PERFORM set_config('backstop.audit_door', 'drop', true);
    DELETE FROM audit WHERE id = ANY(ARRAY(
        SELECT a.id FROM audit AS a WHERE a.id < audit_id(until) AND a.at < until ORDER BY a.id LIMIT most
    ));
    GET DIAGNOSTICS dropped = ROW_COUNT;
    PERFORM set_config('backstop.audit_door', '', true);
    RETURN dropped;
END
$$;
-- +goose StatementEnd

-- audit_write writes an entry. The setting backstop.actor of the transaction has the actor as JSON. Without one, as of an older
-- program, a migration or a statement by hand, the actor is the system, with the name of the application that is connected.
-- Repeated with the same id, it writes nothing.
-- +goose StatementBegin
CREATE FUNCTION audit_write(
    an_id uuid, an_action text, a_kind text, a_target text, a_name text, a_recipient text, a_before jsonb, an_after jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    actor  jsonb := nullif(current_setting('backstop.actor', true), '');
    now_at timestamptz := clock_timestamp();
BEGIN
    INSERT INTO audit (id, at, actor_kind, actor_id, actor_name, actor_from, action, kind, target, name, recipient, before, after)
    VALUES (
        coalesce(an_id, audit_id(now_at)), now_at, coalesce(actor ->> 'kind', 'system'), coalesce(actor ->> 'id', ''),
        coalesce(actor ->> 'name', current_setting('application_name')), coalesce(actor ->> 'from', ''),
        an_action, a_kind, a_target, coalesce(a_name, ''), coalesce(a_recipient, ''),
        jsonb_strip_nulls(a_before), jsonb_strip_nulls(an_after)
    ) ON CONFLICT (id) DO NOTHING;
END
$$;
-- +goose StatementEnd

CREATE FUNCTION audit_action(operation text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE operation WHEN 'INSERT' THEN 'create' WHEN 'UPDATE' THEN 'update' ELSE 'delete' END
$$;

-- audit_row is the trigger of a table whose row is the whole thing. Its arguments are the kind, the columns of the id and of the
-- name, empty for none, and the columns that an entry leaves out. A change of those alone is no change.
-- +goose StatementBegin
CREATE FUNCTION audit_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    hidden text[] := ARRAY['created_at', 'updated_at', 'one'] || TG_ARGV[3:];
    was    jsonb;
    now_is jsonb;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        was := to_jsonb(OLD) - hidden;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        now_is := to_jsonb(NEW) - hidden;
    END IF;
    IF was IS DISTINCT FROM now_is THEN
        PERFORM audit_write(
            NULL, audit_action(TG_OP), TG_ARGV[0], coalesce(coalesce(now_is, was) ->> TG_ARGV[1], ''),
            coalesce(now_is, was) ->> TG_ARGV[2], '', was, now_is
        );
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER audit_rules AFTER INSERT OR UPDATE OR DELETE ON rules
FOR EACH ROW EXECUTE FUNCTION audit_row('rule', 'id', 'name');
CREATE TRIGGER audit_api_keys AFTER INSERT OR UPDATE OR DELETE ON api_keys
FOR EACH ROW EXECUTE FUNCTION audit_row('key', 'id', 'name', 'digest', 'former_digest', 'last_used_at');
CREATE TRIGGER audit_guards AFTER INSERT OR UPDATE OR DELETE ON guards
FOR EACH ROW EXECUTE FUNCTION audit_row('guards', '', '');

-- The secrets of an account are never in an entry. The setting backstop.secrets of the transaction has the names of those that
-- were changed, as a JSON array. Without it they may have changed. New secrets of the same version are the old ones under a new
-- key.
-- +goose StatementBegin
CREATE FUNCTION audit_account() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    hidden  text[] := ARRAY['created_at', 'updated_at', 'sealed'];
    changed jsonb := nullif(current_setting('backstop.secrets', true), '');
    was     jsonb;
    now_is  jsonb;
    action  text := audit_action(TG_OP);
BEGIN
    IF TG_OP <> 'INSERT' THEN
        was := to_jsonb(OLD) - hidden;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        now_is := to_jsonb(NEW) - hidden;
    END IF;
    IF TG_OP = 'UPDATE' AND was = now_is THEN
        IF OLD.sealed = NEW.sealed THEN
            RETURN NULL;
        END IF;
        action := 'reseal';
    ELSIF TG_OP = 'UPDATE' AND OLD.sealed <> NEW.sealed AND changed IS DISTINCT FROM '[]' THEN
        now_is := now_is || jsonb_build_object('secrets_changed', coalesce(changed, '"perhaps"'));
    END IF;
    PERFORM audit_write(
        NULL, action, 'account', coalesce(now_is, was) ->> 'name', coalesce(now_is, was) ->> 'name', '', was, now_is
    );
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER audit_accounts AFTER INSERT OR UPDATE OR DELETE ON accounts
FOR EACH ROW EXECUTE FUNCTION audit_account();

-- A message is a row with the content of a version. Before a DELETE the versions still exist.
CREATE FUNCTION audit_message_of(m messages) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('id', m.id, 'name', m.name, 'version', m.version, 'content', (
        SELECT v.content::jsonb FROM message_versions AS v WHERE v.message_id = m.id AND v.version = m.version
    ))
$$;

-- +goose StatementBegin
CREATE FUNCTION audit_message() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was    jsonb;
    now_is jsonb;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        was := audit_message_of(OLD);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        now_is := audit_message_of(NEW);
    END IF;
    PERFORM audit_write(
        NULL, audit_action(TG_OP), 'message', coalesce(now_is, was) ->> 'id', coalesce(now_is, was) ->> 'name', '', was, now_is
    );
    RETURN OLD;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER audit_messages AFTER INSERT OR UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION audit_message();
CREATE TRIGGER audit_messages_deleted BEFORE DELETE ON messages FOR EACH ROW EXECUTE FUNCTION audit_message();

-- The rules of a policy are written after its row. So the entry is written at the end of the transaction. The rules as of before
-- are kept in a setting of the transaction until then.
CREATE FUNCTION audit_policy_of(p policies) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT to_jsonb(p) - ARRAY['created_at', 'updated_at'] || jsonb_build_object('rules', coalesce((
        SELECT jsonb_agg(jsonb_build_object('id', r.id, 'name', r.name) ORDER BY u.position)
        FROM policy_rules AS u JOIN rules AS r ON r.id = u.rule_id WHERE u.policy_id = p.id
    ), '[]'))
$$;

-- +goose StatementBegin
CREATE FUNCTION audit_policy_before() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb := audit_policy_of(OLD);
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM audit_write(NULL, 'delete', 'policy', OLD.id::text, OLD.name, '', was, NULL);
        RETURN OLD;
    END IF;
    PERFORM set_config('backstop.policies', (
        coalesce(nullif(current_setting('backstop.policies', true), ''), '{}')::jsonb || jsonb_build_object(OLD.id, was)
    )::text, true);
    RETURN NEW;
END
$$;

CREATE FUNCTION audit_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM audit_write(
        NULL, audit_action(TG_OP), 'policy', NEW.id::text, NEW.name, '',
        CASE TG_OP WHEN 'UPDATE' THEN current_setting('backstop.policies', true)::jsonb -> NEW.id::text END,
        audit_policy_of(NEW)
    );
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER audit_policies_before BEFORE UPDATE OR DELETE ON policies FOR EACH ROW EXECUTE FUNCTION audit_policy_before();
CREATE CONSTRAINT TRIGGER audit_policies AFTER INSERT OR UPDATE ON policies DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION audit_policy();

-- The phone number of an opt-out is in a column of its own, where audit_mask finds it.
-- +goose StatementBegin
CREATE FUNCTION audit_opt_out() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    hidden text[] := ARRAY['recipient', 'stored_at'];
    o      opt_outs := coalesce(NEW, OLD);
    was    jsonb;
    now_is jsonb;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        was := to_jsonb(OLD) - hidden;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        now_is := to_jsonb(NEW) - hidden;
    END IF;
    PERFORM audit_write(NULL, audit_action(TG_OP), 'opt_out', o.id::text, o.category, o.recipient, was, now_is);
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER audit_opt_outs AFTER INSERT OR UPDATE OR DELETE ON opt_outs FOR EACH ROW EXECUTE FUNCTION audit_opt_out();

-- A caller cancels or confirms a send. Other changes of a send have no entry: its timeline has them.
-- +goose StatementBegin
CREATE FUNCTION audit_send() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM audit_write(
        NULL, CASE WHEN NEW.confirmed_at IS DISTINCT FROM OLD.confirmed_at THEN 'confirm' ELSE 'cancel' END, 'send', NEW.id::text,
        '', '', jsonb_build_object('outcome', OLD.outcome, 'confirmed_at', OLD.confirmed_at),
        jsonb_build_object('outcome', NEW.outcome, 'confirmed_at', NEW.confirmed_at)
    );
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER audit_sends AFTER UPDATE ON sends FOR EACH ROW
WHEN (NEW.confirmed_at IS DISTINCT FROM OLD.confirmed_at OR NEW.outcome = 'cancelled' AND OLD.outcome <> 'cancelled')
EXECUTE FUNCTION audit_send();
