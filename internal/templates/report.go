package templates

import (
	"context"
	"log/slog"
	"slices"

	"github.com/backstophq/backstop"
)

// logReading logs what has changed since the reading before. A change that stops messages, or soon may, is an ERROR.
func (s *Syncer) logReading(ctx context.Context, c Claim, before Stored, r Reading) {
	log := s.log.With(slog.String("account", c.Account))
	switch {
	case r.Fault != "" && c.Failures == 0:
		log.WarnContext(ctx, "templates or number of an account cannot be read", slog.String("reason", r.Fault))
	case r.Fault == "" && c.Failures > 0:
		log.InfoContext(ctx, "templates and number of an account are read again")
	}
	if r.HasTemplates {
		logTemplates(ctx, log, before, r.Templates)
	}
	if r.Profile != nil {
		logNumber(ctx, log, before.Profile, *r.Profile)
	}
}

func logTemplates(ctx context.Context, log *slog.Logger, before Stored, after []backstop.MessageTemplate) {
	if !before.IsSynced {
		log.InfoContext(ctx, "templates of an account are read", slog.Int("templates", len(after)))
		return
	}
	for _, now := range after {
		was, known := find(before.Templates, now)
		if !known {
			log.InfoContext(ctx, "template is new", nameOf(now), slog.String("status", string(now.Status)))
			continue
		}
		logChange(ctx, log, was, now, now.Reason)
	}
	for _, was := range before.Templates {
		if _, known := find(after, was); !known {
			log.InfoContext(ctx, "template is deleted", nameOf(was), slog.String("status", string(was.Status)))
		}
	}
}

func find(all []backstop.MessageTemplate, t backstop.MessageTemplate) (backstop.MessageTemplate, bool) {
	return backstop.FindTemplate(backstop.Template{Name: t.Name, Language: t.Language}, all)
}

func nameOf(t backstop.MessageTemplate) slog.Attr {
	return slog.Group("template", slog.String("name", t.Name), slog.String("language", t.Language))
}

// logChange logs what has changed in a template.
func logChange(ctx context.Context, log *slog.Logger, was, now backstop.MessageTemplate, reason string) {
	log = log.With(nameOf(now))
	if was.Status != now.Status {
		attrs := []any{
			slog.String("from", string(was.Status)), slog.String("to", string(now.Status)), slog.String("reason", reason),
		}
		if was.Status == backstop.TemplateApproved && stopsMessages(now.Status) {
			log.ErrorContext(ctx, "template cannot be sent any more", attrs...)
		} else {
			log.InfoContext(ctx, "status of a template has changed", attrs...)
		}
	}
	logQuality(ctx, log, "template", was.Quality, now.Quality)
	if was.Category != now.Category {
		log.InfoContext(ctx, "category of a template has changed, and its price",
			slog.String("from", string(was.Category)), slog.String("to", string(now.Category)))
	}
}

// stopsMessages reports whether the provider has stopped a template. A template that was deleted or archived is not meant to be
// sent.
func stopsMessages(status backstop.TemplateStatus) bool {
	return slices.Contains([]backstop.TemplateStatus{
		backstop.TemplatePaused, backstop.TemplateRejected, backstop.TemplateDisabled,
	}, status)
}

func logQuality(ctx context.Context, log *slog.Logger, what string, was, now backstop.Quality) {
	attrs := []any{slog.String("of", what), slog.String("from", string(was)), slog.String("to", string(now))}
	switch {
	case was == now:
	case now == backstop.QualityRed:
		log.ErrorContext(ctx, "quality is low: the provider may pause or limit it", attrs...)
	default:
		log.InfoContext(ctx, "quality has changed", attrs...)
	}
}

// logNumber logs what has changed in the state of a number. Before is nil if it was not read before.
func logNumber(ctx context.Context, log *slog.Logger, before *backstop.NumberProfile, now backstop.NumberProfile) {
	was := backstop.NumberProfile{Status: backstop.NumberConnected}
	if before != nil {
		was = *before
	} else if now.Quality != backstop.QualityRed {
		was.Quality = now.Quality
	}
	if was.Status != now.Status && now.Status != "" {
		attrs := []any{slog.String("from", was.Status), slog.String("to", now.Status)}
		if now.Status == backstop.NumberConnected {
			log.InfoContext(ctx, "number is connected", attrs...)
		} else {
			log.ErrorContext(ctx, "number is not connected", attrs...)
		}
	}
	logQuality(ctx, log, "number", was.Quality, now.Quality)
	if before != nil && (was.MessagingLimit != now.MessagingLimit || was.Throughput != now.Throughput) {
		log.InfoContext(ctx, "limits of a number have changed",
			slog.String("messaging_limit", now.MessagingLimit), slog.String("throughput", now.Throughput))
	}
}

// logNotice logs a notice. Before is the template before it, or nil.
func (s *Syncer) logNotice(ctx context.Context, account string, n backstop.Notice, before *backstop.MessageTemplate) {
	log := s.log.With(slog.String("account", account))
	switch {
	case n.Kind == backstop.AccountNotice && n.IsRestriction:
		log.ErrorContext(ctx, "account is restricted by its provider", slog.String("reason", n.Detail))
	case n.Kind == backstop.AccountNotice:
		log.InfoContext(ctx, "account is not restricted any more", slog.String("reason", n.Detail))
	case n.Kind == backstop.NumberNotice:
		log.InfoContext(ctx, "provider reports a change of a number", slog.String("reason", n.Detail))
	case before == nil:
		log.InfoContext(ctx, "provider reports a change of a template", slog.String("kind", string(n.Kind)),
			slog.String("template", n.Template), slog.String("language", n.Language), slog.String("reason", n.Detail))
	default:
		logChange(ctx, log, *before, n.ApplyTo(*before), n.Detail)
		if n.Kind == backstop.TemplateCategoryNotice && n.Detail != "" {
			log.InfoContext(ctx, "category of a template will change, and its price",
				nameOf(*before), slog.String("reason", n.Detail))
		}
	}
}
