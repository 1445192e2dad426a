package suite

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed cases/*.txt
var files embed.FS

// written reads the cases of the embedded files.
func written() ([]*Case, error) {
	entries, err := files.ReadDir("cases")
	if err != nil {
		return nil, err
	}
	var all []*Case
	for _, e := range entries {
		raw, err := files.ReadFile("cases/" + e.Name())
		if err != nil {
			return nil, err
		}
		cases, err := Read(path.Base(e.Name()), string(raw))
		if err != nil {
			return nil, err
		}
		all = append(all, cases...)
	}
	return all, nil
}

// reader reads one file of cases. A line that is indented goes on with the one
// before; "#" begins a comment.
//
//	group NAME                    what follows belongs to it; ids are NAME/…
//	clause PAGE#ANCHOR            of the specification; before a case: of the group
//	level SHALL|SHOULD|MAY
//	needs CAPABILITY, …           see Need; "needs none": even those of the steps
//	optional                      the CapabilityStatement cannot tell of it
//	base Type {…}                 what fixtures of the type begin with
//	NAME = Type {…}               create a resource: of the fixture, or a step of the case
//	query ID: Type?… => NAME …    a case: the search finds these of the fixture, no other; =>> in this order
//	case ID TITLE                 a case of steps:
//	METHOD TARGET                 a request; indented: headers, then the body; WALK follows
//	                              the next links, POLL waits while the answer is 202
//	status 200 201                expectations of the answer, see expect.go
//	save NAME header|body PATH    for later as ${NAME}; with "~ REGEXP" its first group
//
// ${NAME} of a resource is "Type/id", ${NAME.id}, ${NAME.version} and
// ${NAME.updated} what the server gave it. ${scope} is the condition that holds
// for what the case or its fixture made, ${tag} the code in it, ${base} the
// server, ${uuid} to ${uuid4}, ${today} and ${yesterday} what they say.
type reader struct {
	file  string
	group *group
	last  *Case
	cases []*Case
}

// Read reads a file of cases.
func Read(file, text string) ([]*Case, error) {
	r := &reader{file: file}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); {
		first, line := i+1, strings.TrimRight(lines[i], " \r")
		var block []string
		for i++; i < len(lines) && (strings.HasPrefix(lines[i], " ") || strings.HasPrefix(lines[i], "\t")); i++ {
			block = append(block, strings.TrimSpace(lines[i]))
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := r.line(first, line, block); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, first, err)
		}
	}
	for _, c := range r.cases {
		if len(c.steps) == 0 || c.Clause == "" || c.Level == "" {
			return nil, fmt.Errorf("%s: %s needs steps, clause and level", file, c.ID)
		}
		if len(c.group.fixture) > 0 && slices.ContainsFunc(c.steps, func(s step) bool { return s.name != "" }) {
			return nil, fmt.Errorf("%s: %s would change the fixture that others read", file, c.ID)
		}
		if !c.group.bare && !c.bare {
			c.Needs = append(c.Needs, derived(c)...)
		}
	}
	return r.cases, nil
}

var creation = regexp.MustCompile(`^([a-z][a-zA-Z0-9]*) = ([A-Z][A-Za-z]+) (\{.*)$`)

func (r *reader) line(number int, line string, block []string) error {
	word, rest, _ := strings.Cut(line, " ")
	if word == "group" {
		r.group, r.last = &group{name: rest, base: map[string]map[string]any{}, level: Shall}, nil
		return nil
	}
	if r.group == nil {
		return fmt.Errorf("%q is before any group", word)
	}
	if m := creation.FindStringSubmatch(line); m != nil {
		return r.create(number, m[1], m[2], m[3]+strings.Join(block, ""))
	}
	switch word {
	case "clause", "level", "needs", "optional":
		return r.attribute(word, rest)
	case "base":
		typ, text, _ := strings.Cut(rest, " ")
		fields, err := object(text + strings.Join(block, ""))
		r.group.base[typ] = fields
		return err
	case "query":
		return r.query(number, rest)
	case "case":
		id, title, _ := strings.Cut(rest, " ")
		r.begin(id, title)
		return nil
	}
	if r.last == nil {
		return fmt.Errorf("%q is before any case", word)
	}
	if isVerb(word) {
		return r.request(number, word, rest, block)
	}
	return r.expectation(word, rest)
}

func isVerb(word string) bool {
	switch word {
	case "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "WALK", "POLL":
		return true
	}
	return false
}

func (r *reader) begin(id, title string) {
	g := r.group
	r.last = &Case{
		ID: g.name + "/" + id, Title: title, Clause: g.clause, Level: g.level,
		Needs: append([]Need(nil), g.needs...), Optional: g.optional, group: g,
	}
	r.cases = append(r.cases, r.last)
}

// clause is a page of the specification, or a URL of another one.
func clause(text string) string {
	if strings.HasPrefix(text, "https://") {
		return text
	}
	return Specification + text
}

// attribute is of the last case, or of the group while it has none.
func (r *reader) attribute(word, rest string) error {
	g, c := r.group, r.last
	switch {
	case word == "clause" && c == nil:
		g.clause = clause(rest)
	case word == "clause":
		c.Clause = clause(rest)
	case word == "level" && c == nil:
		g.level = Level(rest)
	case word == "level":
		c.Level = Level(rest)
	case word == "optional" && c == nil:
		g.optional = true
	case word == "optional":
		c.Optional = true
	case rest == "none" && c == nil:
		g.bare = true
	case rest == "none":
		c.bare = true
	default:
		needs, err := parseNeeds(rest)
		if err != nil {
			return err
		}
		if c == nil {
			g.needs = append(g.needs, needs...)
		} else {
			c.Needs = append(c.Needs, needs...)
		}
	}
	return nil
}

// create makes a resource: what the base has, what is given, and the tag.
func (r *reader) create(number int, name, typ, text string) error {
	given, err := object(text)
	if err != nil {
		return err
	}
	all := map[string]any{"resourceType": typ}
	for k, v := range r.group.base[typ] {
		all[k] = v
	}
	for k, v := range given {
		all[k] = v
	}
	meta, _ := all["meta"].(map[string]any)
	tagged := map[string]any{}
	for k, v := range meta {
		tagged[k] = v
	}
	tags, _ := tagged["tag"].([]any)
	tagged["tag"] = append([]any{map[string]any{"system": tagSystem, "code": "${tag}"}}, tags...)
	all["meta"] = tagged
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(all); err != nil {
		return err
	}
	s := step{line: number, verb: "POST", target: typ, body: body.String(), name: name}
	if r.last == nil {
		r.group.fixture = append(r.group.fixture, s)
	} else {
		r.last.steps = append(r.last.steps, s)
	}
	return nil
}

func object(text string) (map[string]any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("%.60s: %w", text, err)
	}
	return v, nil
}

// query is a case of one search in the fixture.
func (r *reader) query(number int, rest string) error {
	id, rest, _ := strings.Cut(rest, ": ")
	target, want, ok := strings.Cut(rest, " => ")
	kind := "found"
	if !ok {
		if target, want, ok = strings.Cut(rest, " =>> "); !ok {
			if target, ok = strings.CutSuffix(rest, " =>"); !ok {
				return fmt.Errorf("query %s: => and what it finds is missing", id)
			}
		}
		if strings.Contains(rest, " =>> ") {
			kind = "ordered"
		}
	}
	names := strings.Fields(want)
	finds := strings.Join(names, ", ")
	if finds == "" {
		finds = "nothing"
	}
	r.begin(id, target+" finds "+finds)
	if !strings.Contains(target, "${scope}") {
		target += "&${scope}"
	}
	r.last.steps = []step{{line: number, verb: "GET", target: target, tests: []test{
		{kind: "status", args: []string{"200"}}, {kind: "bundle", args: []string{"searchset"}}, {kind: kind, args: names},
	}}}
	return nil
}

var (
	headerLine = regexp.MustCompile(`^([A-Z][A-Za-z-]+): (.*)$`)
	repeated   = regexp.MustCompile(` x([0-9]+)$`)
)

func (r *reader) request(number int, verb, target string, block []string) error {
	s := step{line: number, verb: verb, target: target, times: 1}
	if m := repeated.FindStringSubmatch(target); m != nil {
		s.times, _ = strconv.Atoi(m[1]) // digits
		s.target = strings.TrimSuffix(target, m[0])
	}
	for len(block) > 0 {
		m := headerLine.FindStringSubmatch(block[0])
		if m == nil {
			break
		}
		s.header = append(s.header, [2]string{m[1], m[2]})
		block = block[1:]
	}
	if verb == "WALK" {
		s.waits = block
	} else {
		s.body = strings.Join(block, "\n")
	}
	r.last.steps = append(r.last.steps, s)
	return nil
}
