package suite

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// expectation reads one line of what an answer must be:
//
//	status 200 201              one of these
//	header NAME exists|absent|= V|~ RE|!~ RE
//	body PATH exists|absent|= V|has V|lacks V|all V|list V V|~ RE|!~ RE|count N
//	found NAME …                these of the named resources are the matches, each once
//	ordered NAME …              in this order
//	included NAME …             these are the includes, each once
//	bundle TYPE                 a Bundle of this type
//	total N                     Bundle.total
//	outcome [CODE …]            an OperationOutcome with an error of one of these codes
//	asked NAME …                the self link has these parameters
//	ignored NAME …              the self link has none of them
//	empty                       no body
//	statuses 201:1 200:7        of requests that were sent at once
//	pages N                     the walk took at least so many pages
//	counted N                   so many entries that match
func (r *reader) expectation(word, rest string) error {
	if len(r.last.steps) == 0 {
		return fmt.Errorf("%s: no request is before it", word)
	}
	s := &r.last.steps[len(r.last.steps)-1]
	switch word {
	case "save":
		return s.save(rest)
	case "status", "found", "ordered", "included", "bundle", "total", "outcome", "asked", "ignored", "empty", "statuses", "pages", "counted":
		s.tests = append(s.tests, test{kind: word, args: strings.Fields(rest)})
		return nil
	case "header", "body":
		m := comparison.FindStringSubmatch(rest)
		if m == nil {
			return fmt.Errorf("%s %s: what it is compared by is missing", word, rest)
		}
		s.tests = append(s.tests, test{kind: word, args: []string{m[1]}, op: m[2], want: m[3]})
		return nil
	}
	return fmt.Errorf("unknown word %q", word)
}

var comparison = regexp.MustCompile(`^(\S+) (exists|absent|=|has|lacks|all|list|~|!~|count)(?: (.*))?$`)

// save reads "NAME header Location ~ RE" or "NAME body PATH [~ RE]".
func (s *step) save(rest string) error {
	rest, pattern, _ := strings.Cut(rest, " ~ ")
	f := strings.Fields(rest)
	if len(f) != 3 || f[1] != "header" && f[1] != "body" {
		return fmt.Errorf("save %s: want NAME header|body PATH", rest)
	}
	if _, err := regexp.Compile(pattern); err != nil {
		return err
	}
	s.saves = append(s.saves, save{name: f[0], from: f[1], path: f[2], pattern: pattern})
	return nil
}

// check judges an answer by one expectation; "" is well.
func (x *exchange) check(a *answer, t test) (string, error) {
	want, err := x.fill(t.want)
	if err != nil {
		return "", err
	}
	args := make([]string, len(t.args))
	for i := range args {
		if args[i], err = x.fill(t.args[i]); err != nil {
			return "", err
		}
	}
	switch t.kind {
	case "status":
		if !slices.Contains(args, fmt.Sprint(a.status)) {
			return fmt.Sprintf("the status is %d, wanted: %s", a.status, strings.Join(args, " or ")), nil
		}
	case "header":
		if fault := compare(a.header.Values(args[0]), t.op, want); fault != "" {
			return "the header " + args[0] + " " + fault, nil
		}
	case "body":
		if a.bad != nil {
			return "the body cannot be read: " + a.bad.Error(), nil
		}
		if fault := compare(texts(pick(a.body, args[0])), t.op, want); fault != "" {
			return args[0] + " " + fault, nil
		}
	case "empty":
		if len(a.raw) > 0 {
			return "there is a body, wanted: none", nil
		}
	default:
		return x.checkBundle(a, t.kind, args), nil
	}
	return "", nil
}

func (x *exchange) checkBundle(a *answer, kind string, args []string) string {
	switch kind {
	case "bundle":
		if got := strings.Join(texts(pick(a.body, "type")), " "); text(one(a.body, "resourceType")) != "Bundle" || got != args[0] {
			return fmt.Sprintf("the body is no Bundle of type %s", args[0])
		}
	case "found":
		return sameSet("matches", x.entries(a, "match"), args)
	case "ordered":
		if got := x.entries(a, "match"); !slices.Equal(got, args) {
			return fmt.Sprintf("the matches are %s, wanted in this order: %s", list(got), list(args))
		}
	case "included":
		return sameSet("includes", x.entries(a, "include"), args)
	case "total", "counted":
		got := fmt.Sprint(len(x.entries(a, "match")))
		if kind == "total" {
			got = strings.Join(texts(pick(a.body, "total")), " ")
		}
		if got != args[0] {
			return fmt.Sprintf("the %s is %q, wanted: %s", map[string]string{"total": "total", "counted": "number of matches"}[kind], got, args[0])
		}
	case "outcome":
		return checkOutcome(a, args)
	case "asked", "ignored":
		return checkSelf(a, kind, args)
	case "pages":
		if least, err := strconv.Atoi(args[0]); err != nil || a.pages < least {
			return fmt.Sprintf("the walk took %d pages, wanted: at least %s", a.pages, args[0])
		}
	default:
		return "unknown expectation " + kind
	}
	return ""
}

func one(v any, path string) any {
	if found := pick(v, path); len(found) > 0 {
		return found[0]
	}
	return ""
}

// entries are the names of the entries of a mode; what has no name is shown by
// its reference. An entry without a mode is a match.
func (x *exchange) entries(a *answer, mode string) []string {
	var names []string
	for _, e := range pick(a.body, "entry") {
		of := text(one(e, "search.mode"))
		if of == "" {
			of = "match"
		}
		if of != mode {
			continue
		}
		ref := text(one(e, "resource.resourceType")) + "/" + text(one(e, "resource.id"))
		if name, ok := x.refs[ref]; ok {
			ref = name
		}
		names = append(names, ref)
	}
	return names
}

func sameSet(what string, got, want []string) string {
	a, b := slices.Clone(got), slices.Clone(want)
	sort.Strings(a)
	sort.Strings(b)
	if slices.Equal(a, b) {
		return ""
	}
	return fmt.Sprintf("the %s are %s, wanted: %s", what, list(a), list(b))
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func checkOutcome(a *answer, codes []string) string {
	if text(one(a.body, "resourceType")) != "OperationOutcome" {
		return "the body is no OperationOutcome"
	}
	for _, is := range pick(a.body, "issue") {
		if s := text(one(is, "severity")); s != "error" && s != "fatal" {
			continue
		}
		if len(codes) == 0 || slices.Contains(codes, text(one(is, "code"))) {
			return ""
		}
	}
	return "the OperationOutcome has no error of type " + strings.Join(codes, " or ")
}

// selfLink are the parameters that the server says it has used.
func selfLink(a *answer) (url.Values, bool) {
	link := pick(a.body, "link[relation=self].url")
	if len(link) != 1 {
		return nil, false
	}
	u, err := url.Parse(text(link[0]))
	if err != nil {
		return nil, false
	}
	return u.Query(), true
}

func checkSelf(a *answer, kind string, names []string) string {
	used, ok := selfLink(a)
	if !ok {
		return "there is no self link"
	}
	for _, n := range names {
		if used.Has(n) != (kind == "asked") {
			return fmt.Sprintf("the self link %v, wanted: %s %s", used, map[string]string{"asked": "with", "ignored": "without"}[kind], n)
		}
	}
	return ""
}

// refusal are the statuses by which a server says that it does not do a thing.
func refusal(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnprocessableEntity, http.StatusNotImplemented:
		return true
	}
	return false
}

// declined tells that an answer says that the server does not do what the step
// asked for: it refuses, or the self link lacks a parameter.
func declined(s step, a *answer) (string, bool) {
	if refusal(a.status) && !s.wants(a.status) {
		return fmt.Sprintf("refused with %d", a.status), true
	}
	used, ok := selfLink(a)
	_, query, _ := strings.Cut(a.url, "?")
	asked, err := url.ParseQuery(query)
	if !ok || err != nil || a.status != http.StatusOK {
		return "", false
	}
	for name := range asked {
		if !used.Has(name) && name != "_format" && name != "_pretty" {
			return "ignored, and said so: " + name, true
		}
	}
	return "", false
}

func (s step) wants(status int) bool {
	for _, t := range s.tests {
		if t.kind == "status" {
			return slices.Contains(t.args, fmt.Sprint(status))
		}
	}
	return false
}
