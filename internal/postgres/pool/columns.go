package pool

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Columns are the columns of a row, in the order of the fields of its struct. So a table's columns are listed in one place, and
// the statements are made of them. A statement is made once, when its package is initialised: its text is the key of the
// prepared statement.
type Columns []column

type column struct {
	name, kind string
	index      []int // of the field
}

// ColumnsOf returns the columns of a row: its fields that have a db tag with the column's name, or a json tag for a row that
// Postgres reads from JSON. The column's type tag is needed for Recordset alone. The fields of embedded structs count too.
func ColumnsOf[Row any]() Columns {
	var columns Columns
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Row]()) {
		if name := columnOf(field); name != "" {
			columns = append(columns, column{name: name, kind: field.Tag.Get("type"), index: field.Index})
		}
	}
	return columns
}

func columnOf(field reflect.StructField) string {
	if name := field.Tag.Get("db"); name != "" {
		return name
	}
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

// Values returns the values of a row. The row has the type that ColumnsOf got.
func (c Columns) Values(row any) []any {
	values := make([]any, len(c))
	of := reflect.ValueOf(row)
	for i, column := range c {
		values[i] = of.FieldByIndex(column.index).Interface()
	}
	return values
}

// Without returns the columns but one.
func (c Columns) Without(name string) Columns {
	return slices.DeleteFunc(slices.Clone(c), func(c column) bool { return c.name == name })
}

// Names returns "a, b".
func (c Columns) Names() string { return c.each(func(_ int, c column) string { return c.name }) }

// NamesIn returns "t.a, t.b" for the table t.
func (c Columns) NamesIn(table string) string {
	return c.each(func(_ int, c column) string { return table + "." + c.name })
}

// Params returns "$1, $2".
func (c Columns) Params() string { return c.each(func(i int, _ column) string { return Param(i + 1) }) }

// ParamOf returns the parameter of a column among Params.
func (c Columns) ParamOf(name string) string {
	return Param(1 + slices.IndexFunc(c, func(c column) bool { return c.name == name }))
}

// Assign returns "a = $1, b = $2".
func (c Columns) Assign() string {
	return c.each(func(i int, c column) string { return c.name + " = " + Param(i+1) })
}

// AssignExcluded returns "a = excluded.a, b = excluded.b", for ON CONFLICT DO UPDATE.
func (c Columns) AssignExcluded() string {
	return c.each(func(_ int, c column) string { return c.name + " = excluded." + c.name })
}

// Recordset returns the table u of the rows in a parameter that JSONRows has written.
func (c Columns) Recordset(param string) string {
	return "json_to_recordset(" + param + ") AS u (" +
		c.each(func(_ int, c column) string { return c.name + " " + c.kind }) + ")"
}

func (c Columns) each(text func(i int, c column) string) string {
	texts := make([]string, len(c))
	for i, column := range c {
		texts[i] = text(i, column)
	}
	return strings.Join(texts, ", ")
}

// Param returns the nth parameter of a statement, from 1.
func Param(n int) string { return fmt.Sprintf("$%d", n) }
