package dicomweb

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/fhir/issue"
)

// QIDO-RS.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.6

// Sizes of a page.
const (
	defaultLimit = 1000
	maxLimit     = 10_000
	maxValues    = 1024 // of a UID list
	maxOffset    = 10_000_000
)

// sought is a query with what the answer shall hold.
type sought struct {
	index.Query
	include []dicom.Tag // beyond the defaults of the level
	all     bool        // includefield=all
	fuzzy   bool        // fuzzymatching=true
	extra   []*index.Attribute
	veils   map[string]*veil // by patient, of who sees some in part
}

// parseQuery reads the parameters of a search at a level.
func parseQuery(level index.Level, k index.Key, values url.Values, extra []*index.Attribute) (*sought, error) {
	s := &sought{Query: index.Query{Level: level, Key: k, Limit: defaultLimit}, extra: extra, fuzzy: values.Get("fuzzymatching") == "true"}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range values[name] {
			if err := s.parameter(name, v); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

func (s *sought) parameter(name, value string) (err error) {
	switch name {
	case "limit":
		s.Limit, err = count(name, value, 1, 1<<31)
		s.Limit = min(s.Limit, maxLimit)
	case "offset":
		s.Offset, err = count(name, value, 0, maxOffset)
	case "fuzzymatching":
		if value != "true" && value != "false" {
			err = badValue(name, value, "true or false")
		}
	case "includefield":
		err = s.includeField(value)
	default:
		err = s.match(name, value)
	}
	return err
}

func count(name, value string, low, high int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		return 0, badValue(name, value, "a number from "+strconv.Itoa(low)+" on")
	}
	return n, nil
}

func badValue(name, value, want string) error {
	return issue.Errorf(issue.Invalid, "%s=%s: %s is expected.", name, value, want).At(name).
		Rule("qido-value").WithStatus(http.StatusBadRequest)
}

func unknownAttribute(parameter, name string) error {
	return issue.Errorf(issue.NotSupported, "%q is no attribute of the DICOM dictionary: give a keyword such as PatientID or a tag such as 00100020.", name).
		At(parameter).Rule("qido-attribute").WithStatus(http.StatusBadRequest)
}

func (s *sought) includeField(value string) error {
	for field := range strings.SplitSeq(value, ",") {
		if field == "all" {
			s.all = true
			continue
		}
		t, isTag := dicom.ParseTag(field)
		if isTag && t.Private() {
			s.want(t) // the index holds none; an instance's metadata may
			continue
		}
		path, _, ok := index.ParsePath(field)
		if !ok {
			return unknownAttribute("includefield", field)
		}
		s.want(path[0]) // a sequence is answered whole
	}
	return nil
}

// want adds a field to the answer. What is no column is read from the metadata,
// which only instances have.
func (s *sought) want(t dicom.Tag) {
	if !slices.Contains(s.include, t) {
		s.include = append(s.include, t)
	}
	if index.Lookup(t) == nil && s.Level == index.InstanceLevel {
		s.Content = true
	}
}

// match reads one matching key.
func (s *sought) match(name, value string) error {
	path, d, ok := index.ParsePath(name)
	if !ok {
		return unknownAttribute(name, name)
	}
	a := s.attribute(path)
	if a == nil || a.Level > s.Level {
		return issue.Errorf(issue.NotSupported, "%s is no matching key at this level; the answer would not be restricted by it.", strings.TrimSpace(name)).
			At(name).Rule("qido-key").WithStatus(http.StatusBadRequest)
	}
	s.want(path[0])
	if value == "" || value == "*" && a.Kind != index.UID {
		return nil // universal matching, PS3.4 §C.2.2.2.3
	}
	m, err := matchOf(a, d, value)
	if err == nil && s.fuzzy && a.Kind == index.Name && a.Path == nil && !strings.Contains(value, "?") {
		m.Fuzzy = index.FuzzyOf(value)
	}
	if err == nil {
		s.Matches = append(s.Matches, m)
	}
	return err
}

// attribute is the key at the end of a path: a column, or an extra attribute.
func (s *sought) attribute(path []dicom.Tag) *index.Attribute {
	if a := index.LookupPath(path); a != nil {
		return a
	}
	for _, a := range s.extra {
		if slices.Equal(a.Path, path) {
			return a
		}
	}
	return nil
}

// matchOf reads the value of a matching key by its kind.
func matchOf(a *index.Attribute, d dicom.Definition, value string) (index.Match, error) {
	m := index.Match{Attribute: a, Values: []string{value}}
	switch a.Kind {
	case index.UID:
		m.Values = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '\\' })
		for _, uid := range m.Values {
			if !validUID(uid) {
				return m, badValue(d.Keyword, value, "a UID, or UIDs divided by commas")
			}
		}
	case index.Date, index.Time:
		return rangeOf(m, d, value)
	case index.Integer:
		n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		if err != nil {
			return m, badValue(d.Keyword, value, "an integer")
		}
		m.Values[0] = strconv.FormatInt(n, 10)
	case index.Decimal:
		if m.Values[0] = index.NormaliseDecimal(value); m.Values[0] == "" {
			return m, badValue(d.Keyword, value, "a number")
		}
		return m, nil
	case index.Name:
		if m.Values = index.FoldNames(value); len(m.Values) == 0 {
			return m, badValue(d.Keyword, value, "a name")
		}
	case index.List:
		m.Values = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '\\' })
	case index.Text:
		if d.VR == dicom.CS {
			m.Values = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '\\' })
		}
	}
	if len(m.Values) == 0 || len(m.Values) > maxValues {
		return m, badValue(d.Keyword, value, "one to 1024 values")
	}
	if a.Kind != index.UID && a.Kind != index.Integer && strings.ContainsAny(value, "*?") {
		if len(m.Values) > 1 {
			return m, badValue(d.Keyword, value, "one pattern, or several values without wildcards")
		}
		m.Op = index.Like
	}
	return m, nil
}

// rangeOf reads a date or time, or a range of them (PS3.4 §C.2.2.2.5).
func rangeOf(m index.Match, d dicom.Definition, value string) (index.Match, error) {
	from, to, isRange := strings.Cut(value, "-")
	if !isRange {
		to = from
	}
	m.Op, m.Values = index.Between, nil
	low, high := index.NormaliseDate(from), index.NormaliseDate(to)
	if m.Attribute.Kind == index.Time {
		low, high = index.NormaliseTime(from, '0'), index.NormaliseTime(to, '9')
	}
	if low == "" && from != "" || high == "" && to != "" || low == "" && high == "" {
		return m, badValue(d.Keyword, value, "a date YYYYMMDD, a time HHMMSS, or a range of them such as 20260101-20260131")
	}
	m.From, m.To = low, high
	return m, nil
}
