package store

import (
	"fmt"
	"strconv"
	"strings"

	"tenon/server/search"
)

// order is one sort key: an expression over the resource r and its kind.
type order struct {
	by    search.Sort
	expr  string
	args  []any
	desc  bool // as it is walked
	whole bool // an integer
	real  bool // a number
}

// orders turns the sorts of a plan into expressions. A resource with several
// values sorts by its smallest, or downwards by its greatest; one without any
// comes last. Backwards, all of that the other way round.
// https://hl7.org/fhir/R4/search.html#sort
func orders(r string, sorts []search.Sort, back bool) ([]order, error) {
	out := make([]order, 0, len(sorts))
	for _, by := range sorts {
		o := order{by: by, desc: by.Desc != back}
		switch {
		case by.By == "_lastUpdated":
			o.expr, o.whole = r+".updated", true
		case by.By == "_id":
			o.expr = r + ".id"
		case by.By != "":
			return nil, fmt.Errorf("store: unknown sort %q", by.By)
		default:
			c, ok := sortColumns[by.Kind]
			if !ok {
				return nil, fmt.Errorf("store: unknown kind %q of a sort", by.Kind)
			}
			o.whole, o.real = c.whole, c.real
			column, pick := c.low, "min"
			if by.Desc {
				column, pick = c.high, "max"
			}
			o.expr = "(SELECT " + pick + "(k." + column + ") FROM " + c.table + " k WHERE k.rid = " + r + ".rid AND k.key = ?" + c.only + ")"
			o.args = []any{int64(by.Key)}
			if by.Kind == "quantity" { // in base units where it has some
				o.expr = "COALESCE(" + strings.Replace(o.expr, c.only, " AND k.canonical = 1", 1) + ", " + o.expr + ")"
				o.args = append(o.args, int64(by.Key))
			}
		}
		out = append(out, o)
	}
	return out, nil
}

// sortColumn is where a kind of parameter keeps what it sorts by.
type sortColumn struct {
	table, low, high, only string
	whole, real            bool
}

var sortColumns = map[string]sortColumn{
	"token":     {table: "token_row", low: "code", high: "code"},
	"string":    {table: "string_row", low: "norm", high: "norm"},
	"date":      {table: "date_row", low: "low", high: "high", whole: true},
	"number":    {table: "number_row", low: "low", high: "high", only: " AND k.canonical = 0", real: true},
	"quantity":  {table: "number_row", low: "low", high: "high", only: " AND k.canonical = 0", real: true},
	"reference": {table: "reference_row", low: "target", high: "target"},
	"uri":       {table: "uri_row", low: "uri", high: "uri"},
}

// dest is where a sort value is scanned to; text tells how a cursor carries it.
func (o *order) dest() any {
	switch {
	case o.whole:
		return new(*int64)
	case o.real:
		return new(*float64)
	}
	return new(*string)
}

// text writes a scanned value for a cursor: "=value", or "-" for none.
func (o *order) text(dest any) string {
	switch d := dest.(type) {
	case **int64:
		if *d != nil {
			return "=" + strconv.FormatInt(**d, 10)
		}
	case **float64:
		if *d != nil {
			return "=" + strconv.FormatFloat(**d, 'g', -1, 64)
		}
	case **string:
		if *d != nil {
			return "=" + **d
		}
	}
	return "-"
}

// value reads what text wrote; nil is none.
func (o *order) value(text string) (any, error) {
	if text == "-" {
		return nil, nil
	}
	if text == "" || text[0] != '=' {
		return nil, fmt.Errorf("store: a cursor holds %d bytes that are no value", len(text))
	}
	switch {
	case o.whole:
		return strconv.ParseInt(text[1:], 10, 64)
	case o.real:
		return strconv.ParseFloat(text[1:], 64)
	}
	return text[1:], nil
}

// orderBy appends ORDER BY over columns k0, k1, … and the row number, which
// breaks ties in the direction of the last key.
func (s *statement) orderBy(by []order, rid string, back bool) {
	s.add(" ORDER BY ")
	for i, o := range by {
		k := "k" + strconv.Itoa(i)
		s.add("(" + k + " IS NULL)" + direction(back) + ", " + k + direction(o.desc) + ", ")
	}
	s.add(rid + direction(downwards(by, back)))
}

func direction(desc bool) string {
	if desc {
		return " DESC"
	}
	return ""
}

func behindSign(desc bool) string {
	if desc {
		return " < ?"
	}
	return " > ?"
}

// downwards tells whether row numbers are walked from the greatest on.
func downwards(by []order, back bool) bool {
	if len(by) == 0 {
		return back
	}
	return by[len(by)-1].desc
}

// behind appends that a row comes after the cursor in that order.
func (s *statement) behind(by []order, rid string, after *search.Cursor, back bool) error {
	if len(after.Values) != len(by) {
		return fmt.Errorf("store: a cursor of %d values for %d sort keys", len(after.Values), len(by))
	}
	s.add("(")
	for i := range by {
		k := "k" + strconv.Itoa(i)
		v, err := by[i].value(after.Values[i])
		if err != nil {
			return err
		}
		switch {
		case v != nil && back:
			s.add(k+behindSign(by[i].desc)+" OR ("+k+" = ?", v, v)
		case v != nil:
			s.add("("+k+behindSign(by[i].desc)+" OR "+k+" IS NULL) OR ("+k+" = ?", v, v)
		case back:
			s.add(k + " IS NOT NULL OR (" + k + " IS NULL")
		default:
			s.add("FALSE OR (" + k + " IS NULL")
		}
		s.add(" AND (")
	}
	s.add(rid+behindSign(downwards(by, back)), after.Row)
	for range by {
		s.add("))")
	}
	s.add(")")
	return nil
}
