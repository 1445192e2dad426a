package suite

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Need is a capability as the CapabilityStatement tells it, in two words:
//
//	Patient read          an interaction; also update-create, versioning,
//	                      conditional-{create,update,delete,delete-several,read}
//	Patient ?name         a search parameter
//	Patient $validate     an operation, of the type or of the system
//	Patient include Patient:organization, Patient revinclude Observation:subject
//	system transaction    batch, history-system, search-system, $name
//	format xml, patch json|merge|fhirpath, rest cors
//
// https://hl7.org/fhir/R4/capabilitystatement.html
type Need string

var needLine = regexp.MustCompile(`^([A-Z][A-Za-z]+|system|format|patch|rest) ([?$]?[A-Za-z_][A-Za-z0-9_-]*|(rev)?include [A-Za-z]+:[a-z-]+)$`)

func parseNeeds(text string) ([]Need, error) {
	var needs []Need
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if !needLine.MatchString(part) {
			return nil, fmt.Errorf("%q is no capability", part)
		}
		needs = append(needs, Need(part))
	}
	return needs, nil
}

// derived are the needs that the steps of a case show by themselves.
func derived(c *Case) []Need {
	d := deriver{types: map[string]string{}}
	for _, s := range append(slices.Clone(c.group.fixture), c.steps...) {
		if s.name != "" {
			d.types[s.name] = s.target
		}
		d.step(s)
	}
	return d.needs
}

type deriver struct {
	types map[string]string // of the resources that have a name
	needs []Need
}

func (d *deriver) add(typ, what string) {
	if n := Need(typ + " " + what); typ != "" && !slices.Contains(d.needs, n) {
		d.needs = append(d.needs, n)
	}
}

var variable = regexp.MustCompile(`\$\{([a-zA-Z0-9]+)(?:\.[a-z]+)?\}`)

func (d *deriver) step(s step) {
	known := variable.ReplaceAllStringFunc(s.target, func(v string) string {
		if typ := d.types[variable.FindStringSubmatch(v)[1]]; typ != "" && !strings.Contains(v, ".") {
			return typ + "/id"
		}
		return v
	})
	where, query, asked := strings.Cut(known, "?")
	parts := strings.Split(where, "/")
	typ := parts[0]
	switch {
	case where == "" && s.verb == "POST":
		for _, kind := range []string{"transaction", "batch"} {
			if strings.Contains(s.body, `"type":"`+kind+`"`) {
				d.add("system", kind)
			}
		}
		return
	case where == "_history":
		d.add("system", "history-system")
		return
	case (where == "" || where == "_search") && (asked || s.verb == "POST"):
		d.add("system", "search-system")
		return
	case strings.HasPrefix(typ, "$") && !strings.HasPrefix(typ, "${"):
		d.add("system", typ)
		return
	case typ == "" || typ[0] < 'A' || typ[0] > 'Z':
		return
	}
	if last := parts[len(parts)-1]; strings.HasPrefix(last, "$") && !strings.HasPrefix(last, "${") {
		d.add(typ, last)
		return
	}
	d.interaction(s, typ, parts, query, asked)
}

func (d *deriver) interaction(s step, typ string, parts []string, query string, asked bool) {
	switch s.verb {
	case "POST":
		switch {
		case parts[len(parts)-1] == "_search":
			d.add(typ, "search-type")
			d.params(typ, s.body)
		default:
			d.add(typ, "create")
			d.header(s, typ, "If-None-Exist", "conditional-create")
		}
	case "PUT", "PATCH":
		d.add(typ, map[string]string{"PUT": "update", "PATCH": "patch"}[s.verb])
		if asked {
			d.add(typ, "conditional-update")
			d.params(typ, query)
		}
	case "DELETE":
		d.add(typ, "delete")
		if asked {
			d.add(typ, "conditional-delete")
			d.params(typ, query)
		}
	case "GET", "HEAD", "WALK":
		d.reading(s, typ, parts, query)
	}
}

func (d *deriver) header(s step, typ, name, what string) {
	for _, h := range s.header {
		if h[0] == name {
			d.add(typ, what)
		}
	}
}

func (d *deriver) reading(s step, typ string, parts []string, query string) {
	switch {
	case len(parts) == 1:
		d.add(typ, "search-type")
		d.params(typ, query)
	case len(parts) == 2 && parts[1] == "_history":
		d.add(typ, "history-type")
	case len(parts) == 2:
		d.add(typ, "read")
		d.header(s, typ, "If-None-Match", "conditional-read")
		d.header(s, typ, "If-Modified-Since", "conditional-read")
	case len(parts) == 3 && parts[2] == "_history":
		d.add(typ, "history-instance")
	case len(parts) == 4 && parts[2] == "_history":
		d.add(typ, "vread")
	case len(parts) == 3 && parts[2] != "*": // a compartment
		d.add(parts[2], "search-type")
		d.params(parts[2], query)
	}
}

// params are the search parameters of a query. What a server has of those that
// begin with "_" need not be in its statement.
func (d *deriver) params(typ, query string) {
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		base, _, _ := strings.Cut(name, ":")
		base, _, _ = strings.Cut(base, ".")
		switch {
		case name == "_sort":
			for key := range strings.SplitSeq(value, ",") {
				if key = strings.TrimPrefix(key, "-"); key != "" && key[0] != '_' && !strings.Contains(key, ".") {
					d.add(typ, "?"+key)
				}
			}
		case base == "_include" && strings.Count(value, ":") > 0 && strings.HasPrefix(value, typ+":"):
			d.add(typ, "include "+includeName(value))
		case base == "_revinclude" && strings.Count(value, ":") > 0 && name == "_revinclude":
			d.add(typ, "revinclude "+includeName(value))
		case base == "_has":
			if p := strings.Split(name, ":"); len(p) == 4 {
				d.add(p[1], "?"+p[2])
				d.add(p[1], "?"+strings.SplitN(p[3], ".", 2)[0])
			}
		case base != "" && base[0] != '_' && base[0] != '$':
			d.add(typ, "?"+base)
		}
	}
}

// includeName is "Type:param" without the target type.
func includeName(value string) string {
	p := strings.Split(value, ":")
	return p[0] + ":" + p[1]
}
