package httpsms

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// request is how the gateway is asked to send a message.
type request struct {
	method   string
	url      template
	headers  map[string]template
	auth     requestAuth
	encoding string // json, form or query
	query    any    // parameters of the URL
	body     any    // a tree of templates: maps, lists, templates and fixed values
	names    map[string]bool
}

// requestAuth is how the request shows who sends it.
type requestAuth struct {
	kind               string // none, basic, bearer, header or query
	name               string // of the header or of the parameter
	username, password template
}

var (
	headerName  = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
	fixedOrigin = regexp.MustCompile(`^https?://[^/?#{}@]+(/|$)`)
)

// headerValues are the values that a header may have: they have no line breaks.
func headerValues() []string { return []string{"username", "password", "token", "ref", "ref_compact"} }

func (n node) request() request {
	if n.isMissing() {
		n.faultf("is required")
	}
	fields := n.object("method", "url", "headers", "auth", "encoding", "query", "body")
	all := append(accountValues(), messageValues()...)
	r := request{
		method:   fields["method"].choice(http.MethodPost, http.MethodGet),
		url:      fields["url"].template(all...),
		headers:  map[string]template{},
		auth:     fields["auth"].requestAuth(),
		encoding: fields["encoding"].choice("json", "form", "query"),
		names:    map[string]bool{},
	}
	fields["url"].checkURL()
	for name, header := range fields["headers"].entries() {
		if !headerName.MatchString(name) {
			header.faultf("is not the name of a header")
		}
		name = http.CanonicalHeaderKey(name)
		if _, twice := r.headers[name]; twice {
			header.faultf("is there twice, in another spelling")
		}
		r.headers[name] = header.template(headerValues()...)
		r.headers[name].uses(r.names)
	}
	if r.method == http.MethodGet && r.encoding != "query" {
		fields["encoding"].faultf("must be query, because a GET has no body")
	}
	r.query = fields["query"].parameters(all, r.names)
	if r.encoding == "json" {
		r.body = fields["body"].tree(all, r.names)
	} else {
		r.body = fields["body"].parameters(all, r.names)
	}
	if fields["body"].isMissing() {
		fields["body"].faultf("is required")
	}
	r.url.uses(r.names)
	r.auth.username.uses(r.names)
	r.auth.password.uses(r.names)
	if !r.names["to"] && !r.names["to_without_plus"] {
		fields["body"].faultf("must have {{to}} or {{to_without_plus}}")
	}
	if !r.names["text"] && !r.names["text_gsm"] {
		fields["body"].faultf("must have {{text}}")
	}
	return r
}

// uses returns the names of the values of the request.
func (r request) uses() map[string]bool { return r.names }

// checkURL checks that no value of a message decides which server gets the credentials.
func (n node) checkURL() {
	text := n.required()
	switch {
	case text == "":
	case strings.ContainsAny(text, "?#"):
		n.faultf("must not have a query; its parameters belong to request.query")
	case !strings.HasPrefix(text, "{{base_url}}") && !fixedOrigin.MatchString(text):
		n.faultf("must begin with {{base_url}}, or with http:// or https:// and a fixed host")
	}
}

func (n node) requestAuth() requestAuth {
	fields := n.object("type", "name", "username", "password", "value")
	a := requestAuth{kind: fields["type"].choice("none", "basic", "bearer", "header", "query"), name: fields["name"].text()}
	byDefault := func(field, text string) template {
		part := fields[field]
		if part.isMissing() {
			part.value = text
		}
		return part.template("username", "password", "token")
	}
	switch a.kind {
	case "basic":
		a.username, a.password = byDefault("username", "{{username}}"), byDefault("password", "{{password}}")
	case "bearer":
		a.password = byDefault("value", "{{token}}")
	case "header", "query":
		a.password = byDefault("value", "{{token}}")
		if !headerName.MatchString(strings.ReplaceAll(a.name, "_", "-")) {
			fields["name"].faultf("must be the name of the header or of the parameter")
		}
	}
	return a
}

// tree reads a JSON body: its texts are templates.
func (n node) tree(names []string, used map[string]bool) any {
	switch v := n.value.(type) {
	case string:
		t := n.template(names...)
		t.uses(used)
		return t
	case map[string]any:
		all := map[string]any{}
		for name, field := range n.entries() {
			all[name] = field.tree(names, used)
		}
		return all
	case []any:
		list := make([]any, len(v))
		for i, item := range n.items() {
			list[i] = item.tree(names, used)
		}
		return list
	default:
		return v
	}
}

// parameters reads the parameters of a form or a query: texts, or lists of them for a parameter that comes more than once.
func (n node) parameters(names []string, used map[string]bool) any {
	for _, field := range n.entries() {
		items := []node{field}
		if _, isList := field.value.([]any); isList {
			items = field.items()
		}
		for _, item := range items {
			if _, ok := scalar(item.value); !ok {
				item.faultf("must be a text, a number, or true or false")
			}
		}
	}
	if n.isMissing() {
		return nil
	}
	return n.tree(names, used)
}

// header returns the headers of a message.
func (r request) header(v values) http.Header {
	header := http.Header{"Accept": {"*/*"}}
	switch r.encoding {
	case "json":
		header.Set("Content-Type", "application/json")
	case "form":
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, t := range r.headers {
		if text, ok := t.render(v, nil); ok {
			header.Set(name, text)
		}
	}
	secret, _ := r.auth.password.render(v, nil)
	switch r.auth.kind {
	case "basic":
		username, _ := r.auth.username.render(v, nil)
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(username+":"+secret)))
	case "bearer":
		header.Set("Authorization", "Bearer "+secret)
	case "header":
		header.Set(r.auth.name, secret)
	}
	return header
}

// target returns the URL of a message.
func (r request) target(v values) string {
	address, _ := r.url.render(v, url.PathEscape)
	query := url.Values{}
	addParameters(query, r.query, v)
	if r.encoding == "query" {
		addParameters(query, r.body, v)
	}
	if r.auth.kind == "query" {
		secret, _ := r.auth.password.render(v, nil)
		query.Set(r.auth.name, secret)
	}
	if len(query) == 0 {
		return address
	}
	return address + "?" + query.Encode()
}
