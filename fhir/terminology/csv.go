package terminology

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"tenon/fhir/issue"
)

// ReadCSV reads a code system from a table and calls visit for each concept in
// the order of the lines, until it returns an error, and returns that. Visit
// keeps nothing of the concept.
//
// The table is UTF-8 with a header line (RFC 4180; a byte order mark is
// skipped). Its columns, in any order:
//
//	code           needed; unique
//	display        the preferred name, in the language of the system
//	parent         codes of the parents, several parted by ";"; they may come later
//	definition     a text
//	status         active (or empty), retired, inactive, deprecated
//	abstract       true when the code only groups others
//	display:LANG   a name in another language: display:zh-CN
//	synonym:LANG   another name in a language; synonym without one
//	property:NAME  a property, as a string
//
// The errors are *issue.Failure and name the line: an unknown or repeated
// column, a line with more or fewer fields, a code that is missing or came
// before, a parent that never comes, a circle of parents. Memory is bounded by
// the codes: about 50 bytes each.
func ReadCSV(r io.Reader, visit func(*Concept) error) error {
	in := &lineReader{r: bufio.NewReaderSize(r, 1<<16), left: maxRecord}
	if mark, err := in.r.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
		_, _ = in.r.Discard(3)
	}
	rows := csv.NewReader(in)
	rows.ReuseRecord = true
	head, err := rows.Read()
	if err != nil {
		return rowFault(1, err)
	}
	columns, err := columnsOf(head)
	if err != nil {
		return err
	}
	seen, line := newTally(), 1
	for {
		in.left = maxRecord
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return seen.close()
		}
		if err != nil {
			return rowFault(line+1, err)
		}
		line, _ = rows.FieldPos(0)
		c, err := columns.concept(row, line)
		if err != nil {
			return err
		}
		if err := seen.add(c, line); err != nil {
			return err
		}
		if err := visit(c); err != nil {
			return err
		}
	}
}

// maxRecord bounds one line, which an unclosed quote would else make the file.
const maxRecord = 1 << 20

// lineReader breaks off when one record takes too much.
type lineReader struct {
	r    *bufio.Reader
	left int
}

var errRecord = errors.New("one line is longer than 1 MiB; a quote may not be closed")

func (b *lineReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errRecord
	}
	n, err := b.r.Read(p)
	b.left -= n
	return n, err
}

func rowFault(line int, err error) error {
	if errors.Is(err, io.EOF) {
		return csvFault(line, "csv-header", "The table is empty; its first line names the columns.", "表格为空，首行应为列名。")
	}
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return csvFault(parse.Line, "csv-syntax", "The line is no CSV: "+parse.Err.Error()+".", "该行不是有效的 CSV。")
	}
	if errors.Is(err, errRecord) {
		return csvFault(line, "csv-record", "The line can't be read: "+err.Error()+".", "该行超过 1 MiB，可能缺少右引号。")
	}
	return err
}

func csvFault(line int, rule, english, chinese string) error {
	return issue.Errorf(issue.Invalid, "Line %d: %s", line, english).Rule(rule).Chinese(fmt.Sprintf("第 %d 行：%s", line, chinese))
}

// column is what one column holds.
type column struct{ kind, name string }

type columns []column

func columnsOf(head []string) (columns, error) {
	var list columns
	for _, field := range head {
		kind, name, _ := strings.Cut(strings.TrimSpace(field), ":")
		known := slices.Contains([]string{"code", "display", "parent", "definition", "status", "abstract"}, kind) && name == "" ||
			slices.Contains([]string{"display", "property"}, kind) && name != "" || kind == "synonym"
		if !known {
			return nil, csvFault(1, "csv-column", fmt.Sprintf("The column %q is not known; expected code, display, parent, definition, status, abstract, display:LANG, synonym:LANG or property:NAME.", field),
				fmt.Sprintf("不认识列名 %q。", field))
		}
		if kind == "display" && name != "" && !languageTag(name) {
			return nil, csvFault(1, "csv-language", fmt.Sprintf("The column %q names no language; expected a tag such as display:zh-CN.", field), fmt.Sprintf("列名 %q 中的语言标签无效。", field))
		}
		c := column{kind, name}
		if slices.Contains(list, c) && kind != "synonym" {
			return nil, csvFault(1, "csv-column", fmt.Sprintf("The column %q stands there twice.", field), fmt.Sprintf("列名 %q 重复。", field))
		}
		list = append(list, c)
	}
	if !slices.Contains(list, column{"code", ""}) {
		return nil, csvFault(1, "csv-header", "There is no column code; the first line names the columns.", "缺少 code 列，首行应为列名。")
	}
	return list, nil
}

// concept reads one line.
func (cs columns) concept(row []string, line int) (*Concept, error) {
	c := new(Concept)
	for k, field := range row {
		if !utf8.ValidString(field) {
			return nil, csvFault(line, "csv-encoding", "The text is not UTF-8; save the table as UTF-8.", "文本不是 UTF-8 编码，请另存为 UTF-8。")
		}
		field = strings.TrimSpace(field)
		if field == "" {
			continue
		}
		if err := cs[k].put(c, field, line); err != nil {
			return nil, err
		}
	}
	if c.Code == "" {
		return nil, csvFault(line, "csv-code", "The code is missing.", "缺少代码。")
	}
	return c, nil
}

func (k column) put(c *Concept, field string, line int) error {
	switch k.kind {
	case "code":
		c.Code = field
	case "definition":
		c.Definition = field
	case "display":
		if k.name == "" {
			c.Display = field
			return nil
		}
		c.Designations = append(c.Designations, Designation{k.name, "display", field})
	case "synonym":
		c.Designations = append(c.Designations, Designation{k.name, synonym, field})
	case "property":
		c.Properties = append(c.Properties, Property{k.name, "string", field})
	case "parent":
		for p := range strings.SplitSeq(field, ";") {
			if p = strings.TrimSpace(p); p != "" {
				c.Parents = append(c.Parents, p)
			}
		}
	case "abstract":
		switch strings.ToLower(field) {
		case "true", "1", "yes":
			c.Abstract = true
		case "false", "0", "no":
		default:
			return csvFault(line, "csv-abstract", fmt.Sprintf("abstract is %q; expected true or false.", field), "abstract 列应为 true 或 false。")
		}
	case "status":
		return status(c, strings.ToLower(field), line)
	}
	return nil
}

// synonym is the SNOMED CT code of a designation that is a synonym.
const synonym = "900000000000013009"

func status(c *Concept, s string, line int) error {
	switch s {
	case "active":
		return nil
	case "retired", "inactive":
		c.Inactive = true
	case "deprecated":
	default:
		return csvFault(line, "csv-status", fmt.Sprintf("status is %q; expected active, inactive, retired or deprecated.", s), "status 列应为 active、inactive、retired 或 deprecated。")
	}
	c.Properties = append(c.Properties, Property{"status", "code", s})
	return nil
}

// tally remembers codes and parents, to tell what does not fit together.
type tally struct {
	b     *builder
	lines []uint32
}

func newTally() *tally { return &tally{b: newBuilder(false)} }

func (t *tally) add(c *Concept, line int) error {
	if slices.Contains(c.Parents, c.Code) {
		return csvFault(line, "csv-circle", fmt.Sprintf("The code %q is its own parent.", c.Code), fmt.Sprintf("代码 %q 的上级是其自身。", c.Code))
	}
	i, added, err := t.b.add(&Concept{Code: c.Code, Parents: c.Parents})
	switch {
	case err != nil:
		return err
	case !added && t.b.broken:
		return csvFault(line, "csv-code", "The code is longer than 65,535 bytes.", "代码过长。")
	case !added:
		return csvFault(line, "csv-duplicate", fmt.Sprintf("The code %q stands in line %d already.", c.Code, t.lines[i]), fmt.Sprintf("代码 %q 已在第 %d 行出现。", c.Code, t.lines[i]))
	}
	t.lines = append(t.lines, uint32(line))
	return nil
}

func (t *tally) close() error {
	line := func(code string) int {
		i, _ := t.b.t.find(code)
		return int(t.lines[i])
	}
	_, err := t.b.finish(func(child, parent string) error {
		return csvFault(line(child), "csv-parent", fmt.Sprintf("The parent %q of the code %q is in no line.", parent, child), fmt.Sprintf("代码 %q 的上级 %q 不存在。", child, parent))
	}, func(code string) error {
		return csvFault(line(code), "csv-circle", fmt.Sprintf("The code %q is below itself by its parents.", code), fmt.Sprintf("代码 %q 的上级关系成环。", code))
	})
	return err
}
