-- +goose Up

-- The accounts that may send a rule's SMS, in order, as [{"account": "...", "send_id": "..."}]; empty: the default account.
ALTER TABLE rules ADD COLUMN routes jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(routes) = 'array');
UPDATE rules SET routes = jsonb_build_array(jsonb_build_object('account', route)) WHERE route <> '';
ALTER TABLE rules DROP COLUMN route;

-- The id of a Twilio messaging service is a sender ID too.
ALTER TABLE rules
    DROP CONSTRAINT rules_send_id_shape,
    ADD CONSTRAINT rules_send_id_shape CHECK (
        send_id ~ '^\+[1-9][0-9]{6,14}$'
        OR send_id ~ '^[0-9]{3,8}$'
        OR send_id ~ '^MG[0-9a-fA-F]{32}$'
        OR (send_id ~ '^[A-Za-z0-9 _&.+-]{1,11}$' AND send_id ~ '[A-Za-z]' AND send_id = btrim(send_id))
    );

-- The WhatsApp account of a policy's sends that name none; empty: the default account.
ALTER TABLE policies ADD COLUMN account text NOT NULL DEFAULT '';

-- The account that a call went to. Empty: the account from the environment, which has its provider's name.
ALTER TABLE attempts
    ADD COLUMN account text NOT NULL DEFAULT '',
    ADD COLUMN refuses_repeats boolean NOT NULL DEFAULT false,
    ADD COLUMN was_unknown boolean NOT NULL DEFAULT false;
ALTER TABLE events ADD COLUMN account text;

-- Another account of a rule is tried. No old row has the new kind, so the rows need not be read.
ALTER TABLE events
    DROP CONSTRAINT events_kind_check,
    ADD CONSTRAINT events_kind_check CHECK (kind IN (
        'accepted', 'attempt', 'receipt', 'gave_up', 'rule_fired', 'routed', 'averted', 'duplicate_delivery', 'expired',
        'opted_out', 'finished'
    )) NOT VALID;

-- Two gateways of one driver may give the same message id.
ALTER TABLE receipts ADD COLUMN account text NOT NULL DEFAULT '';
ALTER TABLE receipts
    DROP CONSTRAINT receipts_once,
    ADD CONSTRAINT receipts_once UNIQUE (provider, message_id, status, account);
