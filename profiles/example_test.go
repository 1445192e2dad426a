package profiles_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tenon/fhir/tree"
)

// Examples of a profile lie in <folder>/example/<profile>/:
//
//	valid-<name>.json    a resource that follows the profile
//	invalid.json         { "<rule>": [JSON Patch], … }: each makes valid-1 break that rule and no other
//	invalid-<rule>.json  such a patch, or a whole resource, in a file of its own
//
// <rule> is an invariant's key, or the validator's rule and the element that
// states it: slice-min--parameter-material. "--2" at the end tells a second break
// of the same rule.
type example struct {
	name, rule, element string
	resource            []byte
}

type examples struct {
	profile tree.Node
	url     string
	valid   []example
	invalid []example
}

// guide reads the examples of every profile.
func guide(t *testing.T) (list []examples) {
	t.Helper()
	for _, sd := range structures(t) {
		if !strings.HasPrefix(sd.Field("id").Str(), "profile-") {
			continue
		}
		name := strings.TrimPrefix(sd.Field("id").Str(), "profile-")
		files, err := filepath.Glob("*/example/" + name + "/*.json")
		if err != nil {
			t.Fatal(err)
		}
		e := examples{profile: sd, url: sd.Field("url").Str()}
		slices.Sort(files)
		slices.Reverse(files) // valid ones first: patches need them
		for _, file := range files {
			e.read(t, file)
		}
		list = append(list, e)
	}
	return list
}

func (e *examples) read(t *testing.T, file string) {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	base := strings.TrimSuffix(filepath.Base(file), ".json")
	switch name, invalid := strings.CutPrefix(base, "invalid-"); {
	case strings.HasPrefix(base, "valid-"):
		e.valid = append(e.valid, example{name: base, resource: body})
	case base == "invalid":
		for rule, patch := range decode(t, body).(map[string]any) {
			e.add(t, rule, patch)
		}
	case invalid:
		e.add(t, name, decode(t, body))
	default:
		t.Errorf("%s: the name of an example begins with valid- or invalid-", file)
	}
}

var again = regexp.MustCompile(`--\d+$`)

// add takes an invalid example: a patch of valid-1, or a resource.
func (e *examples) add(t *testing.T, name string, v any) {
	t.Helper()
	x := example{name: name}
	x.rule, x.element, _ = strings.Cut(again.ReplaceAllString(name, ""), "--")
	if patch, ok := v.([]any); ok {
		at := slices.IndexFunc(e.valid, func(x example) bool { return x.name == "valid-1" })
		if at < 0 {
			t.Fatalf("%s has no valid-1.json, which %s changes", e.url, name)
		}
		v = decode(t, e.valid[at].resource)
		for _, op := range patch {
			var err error
			if v, err = change(v, op.(map[string]any)); err != nil {
				t.Fatalf("%s %s: %v", e.url, name, err)
			}
		}
	}
	var err error
	if x.resource, err = json.Marshal(v); err != nil {
		t.Fatal(err)
	}
	e.invalid = append(e.invalid, x)
}

// change does one operation of a JSON Patch. https://www.rfc-editor.org/rfc/rfc6902
func change(doc any, op map[string]any) (any, error) {
	path := strings.Split(op["path"].(string), "/")[1:]
	return changeAt(doc, path, op["op"].(string), op["value"])
}

func changeAt(v any, path []string, op string, value any) (any, error) {
	step := strings.NewReplacer("~1", "/", "~0", "~").Replace(path[0])
	switch v := v.(type) {
	case map[string]any:
		old, there := v[step]
		if !there && (len(path) > 1 || op != "add") {
			return nil, fmt.Errorf("there is no %s", step)
		}
		if len(path) > 1 {
			made, err := changeAt(old, path[1:], op, value)
			v[step] = made
			return v, err
		}
		if v[step] = value; op == "remove" {
			delete(v, step)
		}
		return v, nil
	case []any:
		i := len(v)
		if step != "-" {
			var err error
			if i, err = strconv.Atoi(step); err != nil || i > len(v) || i == len(v) && (len(path) > 1 || op != "add") {
				return nil, fmt.Errorf("there is no item %s", step)
			}
		}
		switch {
		case len(path) > 1:
			made, err := changeAt(v[i], path[1:], op, value)
			v[i] = made
			return v, err
		case op == "add":
			return slices.Insert(v, i, value), nil
		case op == "remove":
			return slices.Delete(v, i, i+1), nil
		}
		v[i] = value
		return v, nil
	}
	return nil, fmt.Errorf("%s leads into no object", step)
}

// TestExamples: every valid example passes, every invalid one fails with the
// rule that it is named after and with no other.
func TestExamples(t *testing.T) {
	for _, e := range guide(t) {
		t.Run(strings.TrimPrefix(e.url, "urn:tenon:profile:"), func(t *testing.T) {
			if len(e.valid) == 0 || len(e.invalid) == 0 {
				t.Errorf("a profile has a valid and an invalid example, found %d and %d", len(e.valid), len(e.invalid))
			}
			for _, x := range e.valid {
				t.Run(x.name, func(t *testing.T) {
					for _, is := range judged(t, whole(), parse(t, x.resource), e.url) {
						t.Error(is)
					}
				})
			}
			for _, x := range e.invalid {
				at := ruling(e.profile, x)
				t.Run(strings.TrimSpace(x.name+" "+requirements(at, x.rule)), func(t *testing.T) {
					if !at.Exists() {
						t.Errorf("the profile states no such rule")
					}
					found := judged(t, whole(), parse(t, x.resource), e.url)
					if len(found) == 0 {
						t.Error("it is valid")
					}
					for _, is := range found {
						if is.Rule != x.rule {
							t.Errorf("it also breaks %s", is)
						}
					}
				})
			}
		})
	}
}

// ruling is the element of the profile that states the rule of an example.
func ruling(sd tree.Node, x example) tree.Node {
	for e := range sd.Path("differential", "element").Items() {
		if x.element != "" {
			if shortID(sd, e) == x.element {
				return e
			}
			continue
		}
		for c := range e.Field("constraint").Items() {
			if c.Field("key").Str() == x.rule {
				return e
			}
		}
	}
	return tree.Node{}
}

// shortID is the id of an element as names of examples have it:
// DeviceRequest.parameter:material.value[x] → parameter-material-value.
func shortID(sd, e tree.Node) string {
	id := strings.TrimPrefix(strings.TrimPrefix(e.Field("id").Str(), sd.Field("type").Str()), ".")
	if id == "" {
		return "root"
	}
	return strings.NewReplacer(".", "-", ":", "-", "[x]", "").Replace(id)
}

// requirements are the rows of the mission that a rule of an element answers: a
// mapping whose comment is an invariant's key is that invariant's alone.
func requirements(e tree.Node, rule string) string {
	var rows []string
	for m := range e.Field("mapping").Items() {
		if of := m.Field("comment").Str(); m.Field("identity").Str() == "requirement" && (of == "" || of == rule) {
			rows = append(rows, m.Field("map").Str())
		}
	}
	return strings.Join(rows, " ")
}
