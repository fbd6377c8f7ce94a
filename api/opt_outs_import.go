package api

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/backstophq/backstop"
)

// The bounds of a file of opt-outs.
const (
	maxImport        = 8 << 20 // bytes
	maxImportEntries = 100_000
)

// ImportOptOuts answers POST /v1/opt-outs.csv. It reads the file as it arrives, and stores all entries or none.
func (s *server) ImportOptOuts(c *gin.Context) {
	if err := checkQuery(c.Request.URL.RawQuery, s.contract.routes["POST /v1/opt-outs.csv"]); err != nil {
		s.fail(c, err)
		return
	}
	entries, err := s.readImport(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	added := 0
	if len(entries) > 0 {
		if added, err = s.optOuts.ImportOptOuts(c.Request.Context(), entries); err != nil {
			s.fail(c, err)
			return
		}
	}
	c.JSON(http.StatusOK, OptOutImport{Entries: len(entries), Added: added})
}

func (s *server) readImport(c *gin.Context) ([]backstop.OptOut, error) {
	media, params, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if charset := params["charset"]; err != nil || media != "text/csv" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, &backstop.Error{Code: unsupportedMediaType, Message: "the Content-Type must be text/csv, in UTF-8"}
	}
	body := http.MaxBytesReader(c.Writer, c.Request.Body, maxImport)
	entries, err := readOptOuts(body, s.now())
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return nil, &backstop.Error{Code: tooLarge, Message: fmt.Sprintf("the file may have at most %d bytes", maxImport)}
	}
	return entries, err
}

// optOutReader reads a file of opt-outs.
type optOutReader struct {
	file    *csv.Reader
	now     time.Time
	columns map[string]int // the places of the columns, by their names
	entries []backstop.OptOut
	wrong   []backstop.Field // at most maxFields
	lines   int              // with a mistake
}

// readOptOuts reads a file of opt-outs. Its error names the lines that are wrong.
func readOptOuts(body io.Reader, now time.Time) ([]backstop.OptOut, error) {
	text := bufio.NewReader(body)
	r := &optOutReader{file: csv.NewReader(text), now: now}
	r.file.FieldsPerRecord, r.file.ReuseRecord = -1, true
	first, _ := text.Peek(text.Size()) // an error comes again
	if byteOrderMark := []byte("\uFEFF"); bytes.HasPrefix(first, byteOrderMark) {
		_, _ = text.Discard(len(byteOrderMark))
	}
	names, _, _ := bytes.Cut(first, []byte("\n"))
	if bytes.ContainsRune(names, ';') && !bytes.ContainsRune(names, ',') { // spreadsheets of many countries
		r.file.Comma = ';'
	}
	if err := r.readNames(); err != nil {
		return nil, err
	}
	for {
		more, err := r.readLine()
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	if r.lines > 0 {
		wrong := "1 line is wrong"
		if r.lines > 1 {
			wrong = fmt.Sprintf("%d lines are wrong", r.lines)
		}
		return nil, &backstop.Error{Code: backstop.Invalid, Message: wrong + ": nothing is imported", Fields: r.wrong}
	}
	return r.entries, nil
}

// optOutColumns are the columns that an import reads.
func optOutColumns() []string { return []string{"to", "category", "since", "note"} }

func (r *optOutReader) readNames() error {
	names, err := r.file.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return readError(err)
	}
	r.columns = map[string]int{}
	for i, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, isTwice := r.columns[name]; isTwice && slices.Contains(optOutColumns(), name) {
			return badFile(lineField(1, name), backstop.FieldGivenTwice, "must be given only once")
		}
		r.columns[name] = i
	}
	if _, found := r.columns["to"]; !found {
		return badFile(lineField(1, "to"), backstop.FieldRequired, "is required: the first line has the names of the columns")
	}
	return nil
}

func lineField(line int, name string) string { return "lines." + strconv.Itoa(line) + "." + name }

func badFile(field string, code backstop.FieldCode, reason string, params ...string) error {
	return &backstop.Error{
		Code: backstop.Invalid, Message: "the file is wrong: nothing is imported",
		Fields: []backstop.Field{backstop.NewField(field, code, reason, params...)},
	}
}

// readError returns the error of a file that cannot be read on.
func readError(err error) error {
	if syntax, ok := errors.AsType[*csv.ParseError](err); ok {
		return badFile("lines."+strconv.Itoa(syntax.Line), backstop.FieldSchema, "has a quotation mark in a wrong place")
	}
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return err
	}
	return &backstop.Error{Code: malformed, Message: "the body could not be read", Cause: err}
}

// readLine reads the next entry. It returns false at the end of the file.
func (r *optOutReader) readLine() (more bool, err error) {
	record, err := r.file.Read()
	switch {
	case errors.Is(err, io.EOF):
		return false, nil
	case err != nil:
		return false, readError(err)
	case len(r.entries)+r.lines == maxImportEntries:
		return false, badFile("lines", backstop.FieldItemsMax,
			fmt.Sprintf("must have at most %d entries", maxImportEntries), "max", strconv.Itoa(maxImportEntries))
	}
	line, _ := r.file.FieldPos(0)
	value := func(name string) string {
		if i, found := r.columns[name]; found && i < len(record) {
			return strings.TrimSpace(record[i])
		}
		return ""
	}
	entry, fields := r.entryOf(value)
	if len(fields) == 0 {
		r.entries = append(r.entries, entry)
		return true, nil
	}
	r.lines++
	for _, f := range fields {
		if f.Name = lineField(line, f.Name); len(r.wrong) < maxFields {
			r.wrong = append(r.wrong, f)
		}
	}
	return true, nil
}

func (r *optOutReader) entryOf(value func(name string) string) (backstop.OptOut, []backstop.Field) {
	entry := backstop.OptOut{
		To:           strings.TrimPrefix(value("to"), "'"), // spreadsheets put an apostrophe before a plus sign
		Category:     backstop.OptOutAll,
		OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByImport, Note: withoutApostrophe(value("note"))},
	}
	if category := value("category"); category != "" {
		entry.Category = backstop.OptOutCategory(strings.ToLower(category))
	}
	since, isTime := optOutTime(value("since"))
	entry.Since = since
	err := entry.Validate(r.now)
	if !isTime {
		const reason = "must be a time in RFC 3339 form, like 2031-05-04T12:10:00Z"
		err = mergeInvalid(err, badFile("since", backstop.FieldTime, reason))
	}
	if e, ok := errors.AsType[*backstop.Error](err); ok {
		return entry, e.Fields
	}
	return entry, nil
}

// withoutApostrophe undoes plainText.
func withoutApostrophe(text string) string {
	if rest, found := strings.CutPrefix(text, "'"); found && plainText(rest) == text {
		return rest
	}
	return text
}
