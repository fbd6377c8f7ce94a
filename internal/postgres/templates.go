package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// templateRow is a template as it is stored. It is written as JSON.
type templateRow struct {
	Account          string                  `db:"account"           json:"account"           type:"text"`
	Name             string                  `db:"name"              json:"name"              type:"text"`
	Language         string                  `db:"language"          json:"language"          type:"text"`
	Status           backstop.TemplateStatus `db:"status"            json:"status"            type:"text"`
	Reason           string                  `db:"reason"            json:"reason"            type:"text"`
	Category         backstop.Category       `db:"category"          json:"category"          type:"text"`
	PreviousCategory backstop.Category       `db:"previous_category" json:"previous_category" type:"text"`
	Quality          backstop.Quality        `db:"quality"           json:"quality"           type:"text"`
	Format           backstop.TemplateFormat `db:"format"            json:"format"            type:"text"`
	TTL              int                     `db:"ttl_seconds"       json:"ttl_seconds"       type:"int"`
	UpdatedAt        time.Time               `db:"updated_at"        json:"updated_at"        type:"timestamptz"`

	templateContent //nolint:embeddedstructfieldcheck // the columns come last
}

// templateContent has the columns that are JSON. They are texts here, because the driver sends bytes as bytea.
type templateContent struct {
	Parameters string `db:"parameters" json:"parameters" type:"text"`
	Components string `db:"components" json:"components" type:"text"`
}

var templateColumns = pool.ColumnsOf[templateRow]()

func templateRowOf(t backstop.MessageTemplate) (templateRow, error) {
	parameters, err := json.Marshal(t.Parameters)
	if err != nil {
		return templateRow{}, fmt.Errorf("write parameters: %w", err)
	}
	return templateRow{
		Account: t.Account, Name: t.Name, Language: t.Language, Status: t.Status, Reason: pool.Clean(t.Reason),
		Category: t.Category, PreviousCategory: t.PreviousCategory, Quality: t.Quality, Format: t.Format,
		TTL: int(t.TTL / time.Second), UpdatedAt: pool.Stamp(t.UpdatedAt),
		templateContent: templateContent{Parameters: string(parameters), Components: string(t.Components)},
	}, nil
}

func (r templateRow) template() (backstop.MessageTemplate, error) {
	t := backstop.MessageTemplate{
		Account: r.Account, Name: r.Name, Language: r.Language, Status: r.Status, Reason: r.Reason,
		Category: r.Category, PreviousCategory: r.PreviousCategory, Quality: r.Quality, Format: r.Format,
		TTL: time.Duration(r.TTL) * time.Second, Components: json.RawMessage(r.Components), UpdatedAt: pool.Stamp(r.UpdatedAt),
	}
	if err := json.Unmarshal([]byte(r.Parameters), &t.Parameters); err != nil {
		return backstop.MessageTemplate{}, fmt.Errorf("read parameters of template %s: %w", r.Name, err)
	}
	return t, nil
}

func templatesOf(rows []templateRow) ([]backstop.MessageTemplate, error) {
	templates := make([]backstop.MessageTemplate, len(rows))
	for i, row := range rows {
		var err error
		if templates[i], err = row.template(); err != nil {
			return nil, err
		}
	}
	return templates, nil
}

var listTemplates = `SELECT ` + templateColumns.Names() + ` FROM message_templates
WHERE account = ANY($1) AND ($2 = '' OR strpos(name, $2) > 0) AND ($3 = '' OR status = $3) AND ($4 = '' OR language = $4)
    AND (account, name, language) > ($5, $6, $7)
ORDER BY account, name, language LIMIT $8`

// ListTemplates returns the templates that pass the filter, ordered by account, name and language, and whether more follow.
func (db *DB) ListTemplates(
	ctx context.Context, filter backstop.TemplateFilter, page backstop.TemplatePage,
) (list []backstop.MessageTemplate, more bool, err error) {
	var rows []templateRow
	err = db.pool.SelectUnprepared(ctx, &rows, listTemplates,
		pq.StringArray(filter.Accounts), pool.Clean(filter.Name), pool.Clean(string(filter.Status)), pool.Clean(filter.Language),
		page.Account, page.Name, page.Language, page.Limit+1)
	if err != nil {
		return nil, false, pool.Failed(ctx, "list templates", err)
	}
	rows, more = cutPage(rows, page.Limit)
	list, err = templatesOf(rows)
	return list, more, err
}

const (
	// lacksTemplate reports whether the account's templates were read, and none has the name.
	lacksTemplate = `SELECT EXISTS (SELECT FROM account_syncs WHERE account = $1 AND templates_read_at IS NOT NULL)
    AND NOT EXISTS (SELECT FROM message_templates WHERE account = $1 AND name = $2)`
)

var getTemplates = `SELECT ` + templateColumns.Names() + ` FROM message_templates
WHERE account = $1 AND name = $2 ORDER BY language`

// TemplatesNamed returns the templates of an account that have a name, in all languages.
func (db *DB) TemplatesNamed(ctx context.Context, account, name string) (backstop.SyncedTemplates, error) {
	var rows []templateRow
	if err := db.pool.SelectAll(ctx, &rows, getTemplates, account, name); err != nil {
		return backstop.SyncedTemplates{}, pool.Failed(ctx, "get templates", err)
	}
	found := backstop.SyncedTemplates{IsSynced: len(rows) > 0}
	var err error
	if found.Templates, err = templatesOf(rows); err != nil || found.IsSynced {
		return found, err
	}
	err = db.pool.Get(ctx, &found.IsSynced, lacksTemplate, account, name)
	return found, pool.Failed(ctx, "find template", err)
}

const getProfiles = `SELECT s.account, s.fault, s.profile, s.profile_read_at, s.templates_read_at, r.recipients
FROM account_syncs AS s LEFT JOIN account_recipients AS r ON r.account = s.account AND r.most > 0 AND r.counted_at > $2
WHERE s.account = ANY($1)`

type profileRow struct {
	Account         string     `db:"account"`
	Fault           string     `db:"fault"`
	Profile         *string    `db:"profile"`
	ReadAt          *time.Time `db:"profile_read_at"`
	TemplatesReadAt *time.Time `db:"templates_read_at"`
	Recipients      *int       `db:"recipients"`
}

// Profiles returns what was read of the accounts, by their names. An account that was not read yet is not among them.
func (db *DB) Profiles(ctx context.Context, accounts []string) (map[string]backstop.AccountProfile, error) {
	var rows []profileRow
	counted := pool.Stamp(db.Now().Add(-countValid))
	if err := db.pool.SelectUnprepared(ctx, &rows, getProfiles, pq.StringArray(accounts), counted); err != nil {
		return nil, pool.Failed(ctx, "get profiles", err)
	}
	profiles := map[string]backstop.AccountProfile{}
	for _, row := range rows {
		p := backstop.AccountProfile{Fault: row.Fault, Recipients: row.Recipients}
		if row.ReadAt != nil {
			p.ReadAt = row.ReadAt.UTC()
		}
		if row.TemplatesReadAt != nil {
			p.TemplatesReadAt = row.TemplatesReadAt.UTC()
		}
		number, err := numberOf(row.Profile)
		if err != nil {
			return nil, err
		}
		if number != nil {
			p.NumberProfile = *number
		}
		if number != nil || row.TemplatesReadAt != nil || row.Fault != "" {
			profiles[row.Account] = p
		}
	}
	return profiles, nil
}

// numberOf reads the stored state of a number; nil if it was not read.
func numberOf(stored *string) (*backstop.NumberProfile, error) {
	if stored == nil {
		return nil, nil //nolint:nilnil // the number was not read
	}
	var number backstop.NumberProfile
	if err := json.Unmarshal([]byte(*stored), &number); err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	return &number, nil
}
