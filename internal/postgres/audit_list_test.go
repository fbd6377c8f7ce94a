package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func TestAudit_filters(t *testing.T) {
	t.Parallel()
	db, ctx := postgrestest.New(t), asAuditor(t)
	start := db.Now()
	a, err := db.CreateRule(ctx, ruleNamed("first 100%"))
	require.NoError(t, err)
	_, err = db.CreateRule(t.Context(), ruleNamed("second"))
	require.NoError(t, err)
	a.WaitSeconds = 9
	_, err = db.ReplaceRule(ctx, a, 1)
	require.NoError(t, err)
	_, err = db.PutOptOut(ctx, backstop.OptOut{
		To: to, Category: backstop.OptOutAll, OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI},
	})
	require.NoError(t, err)
	all, _, err := db.ListAudit(t.Context(), backstop.AuditFilter{}, backstop.Page{Limit: 9})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		filter backstop.AuditFilter
		want   []int // of all
	}{
		"all":     {backstop.AuditFilter{}, []int{0, 1, 2, 3}},
		"actor":   {backstop.AuditFilter{Actor: auditor.ID}, []int{0, 1, 3}},
		"system":  {backstop.AuditFilter{ActorKind: backstop.ActorSystem}, []int{2}},
		"action":  {backstop.AuditFilter{Action: backstop.AuditUpdate}, []int{1}},
		"kind":    {backstop.AuditFilter{Kind: backstop.AuditRule}, []int{1, 2, 3}},
		"thing":   {backstop.AuditFilter{Kind: backstop.AuditRule, Target: a.ID}, []int{1, 3}},
		"number":  {backstop.AuditFilter{To: to}, []int{0}},
		"search":  {backstop.AuditFilter{Search: "FIRST"}, []int{1, 3}},
		"a sign":  {backstop.AuditFilter{Search: "%"}, []int{1, 3}},
		"no name": {backstop.AuditFilter{Search: "third"}, []int{}},
		"from":    {backstop.AuditFilter{From: all[1].At}, []int{0, 1}},
		"until":   {backstop.AuditFilter{Until: all[1].At}, []int{2, 3}},
		"range":   {backstop.AuditFilter{From: all[2].At, Until: all[1].At}, []int{2}},
		"before":  {backstop.AuditFilter{Until: start}, []int{}},
		"everything": {backstop.AuditFilter{Actor: auditor.ID, ActorKind: backstop.ActorKey, Action: backstop.AuditUpdate,
			Kind: backstop.AuditRule, Target: a.ID, Search: "100", From: start, Until: db.Now().Add(time.Second)}, []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			got, page := []int{}, backstop.Page{Limit: 1}
			for more := true; more; {
				var list []backstop.AuditEntry
				list, more, err = db.ListAudit(t.Context(), c.filter, page)
				require.NoError(t, err)
				for _, e := range list {
					for i := range all {
						if all[i].ID == e.ID {
							got = append(got, i)
						}
					}
					page.After = e.ID
				}
			}
			require.Equal(t, c.want, got)
			total, err := db.CountAudit(t.Context(), c.filter)
			require.NoError(t, err)
			require.Equal(t, backstop.Total{Count: len(c.want), IsExact: true}, total)
		})
	}
}

// Each filter of the audit finds its index.
func TestIndexes_audit(t *testing.T) {
	t.Parallel()
	p := newPlanned(t)
	p.exec(`INSERT INTO audit (id, at, actor_kind, actor_id, actor_name, actor_from, action, kind, target, name, recipient)
SELECT audit_id(at), at, CASE WHEN rare THEN 'person' ELSE 'key' END, CASE WHEN rare THEN 'p' ELSE 'key' END, '', '',
    CASE WHEN rare THEN 'delete' ELSE 'update' END, CASE WHEN rare THEN 'account' ELSE 'rule' END,
    CASE WHEN rare THEN 'main' ELSE 'r' || n % 7 END, CASE WHEN rare THEN 'main' ELSE 'r' || n % 7 END,
    CASE WHEN rare THEN '+447400123456' ELSE '' END
FROM generate_series(1, 20000) AS n, LATERAL (SELECT n % 1000 = 1 AS rare, now() + n * interval '1 second' AS at) AS t`)
	p.exec(`ANALYZE audit`)
	for index, filter := range map[string]backstop.AuditFilter{
		"audit_pkey":          {},
		"audit_by_actor":      {Actor: "p"},
		"audit_by_actor_kind": {ActorKind: backstop.ActorPerson},
		"audit_by_action":     {Action: backstop.AuditDelete},
		"audit_by_kind":       {Kind: backstop.AuditAccount},
		"audit_by_target":     {Target: "main"},
		"audit_by_recipient":  {To: to},
		"audit_by_name":       {Search: "main"},
	} {
		query, values := postgres.AuditQuery(filter, 50)
		plan := p.explain(query, values...)
		require.Contains(t, plan, index+" ")
		require.NotContains(t, plan, "Seq Scan")
	}
}
