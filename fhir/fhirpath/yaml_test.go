package fhirpath_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

// scriptCase is a case of the suite of fhirpath.js.
// https://github.com/HL7/fhirpath.js/blob/master/test/cases/fhir-r4.yaml
type scriptCase struct {
	Desc       string `yaml:"desc"`
	Input      string `yaml:"inputfile"`
	Expression string `yaml:"expression"`
	Result     []any  `yaml:"result"`
	Error      bool   `yaml:"error"`
	Disable    bool   `yaml:"disable"`
}

// scriptDiffers are cases whose expectation is that engine's own, with the clause.
var scriptDiffers = map[string]string{}

// TestScriptSuite runs the suite of fhirpath.js as far as that engine passes it.
func TestScriptSuite(t *testing.T) {
	dir := filepath.Join(filepath.Dir(filepath.Join(testData(t), "x")), "fhirpath.js", "test")
	data, err := os.ReadFile(filepath.Join(dir, "cases", "fhir-r4.yaml"))
	if err != nil {
		t.Skipf("no suite of fhirpath.js: %v", err)
	}
	var suite struct {
		Tests []map[string]yaml.Node `yaml:"tests"`
	}
	if err := yaml.Unmarshal(data, &suite); err != nil {
		t.Fatal(err)
	}
	ran, differ := 0, 0
	for _, group := range suite.Tests {
		for title, node := range group {
			var cases []scriptCase
			if strings.HasPrefix(title, "group") && node.Decode(&cases) != nil {
				t.Fatal(title)
			}
			for _, c := range cases {
				if c.Disable {
					continue
				}
				ran++
				why := c.run(t, filepath.Join(dir, "resources", "r4"))
				name := strings.TrimPrefix(c.Desc, "** ")
				switch reason := scriptDiffers[name]; {
				case why != "" && reason == "":
					t.Errorf("%s: %s: %s", name, c.Expression, why)
				case why == "" && reason != "":
					t.Errorf("%s agrees now: take it off the list", name)
				case why != "":
					differ++
				}
			}
		}
	}
	t.Logf("%d cases, %d differ", ran, differ)
}

// run tells how the case differs, "" if it does not.
func (c *scriptCase) run(t *testing.T, dir string) string {
	src := []byte(`{"resourceType":"Patient"}`)
	if c.Input != "" {
		var err error
		if src, err = os.ReadFile(filepath.Join(dir, c.Input)); err != nil {
			t.Skip(err)
		}
	}
	doc, err := tree.Parse(src)
	if err != nil {
		return ""
	}
	env := &fhirpath.Env{Model: r4.Model()}
	got, err := evaluate(env, c.Expression, doc.Root())
	switch {
	case c.Error && err == nil:
		return fmt.Sprintf("no error but %v", plain(got))
	case c.Error:
		return ""
	case err != nil:
		return err.Error()
	}
	if values := plain(got); !samePlain(values, c.Result) {
		return fmt.Sprintf("%v, want %v", values, c.Result)
	}
	return ""
}

// plain writes values as JSON has them: numbers, strings, objects.
func plain(c fhirpath.Collection) []any {
	list := []any{}
	for _, v := range c {
		var out any
		n, element := v.Node()
		switch {
		case element && n.Kind() == tree.Object:
			_ = json.Unmarshal(n.Raw(), &out)
		case v.Type() == "System.TypeInfo":
			namespace, name, _ := strings.Cut(v.Str(), ".")
			out = map[string]any{"namespace": namespace, "name": name}
		default:
			out = v.Str()
		}
		list = append(list, out)
	}
	return list
}

func samePlain(got []any, want []any) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if _, object := got[i].(map[string]any); object {
			text, _ := json.Marshal(want[i])
			var parsed any
			_ = json.Unmarshal(text, &parsed)
			if !reflect.DeepEqual(got[i], parsed) {
				return false
			}
			continue
		}
		a, b := fmt.Sprint(got[i]), fmt.Sprint(want[i])
		x, xok := new(big.Rat).SetString(a)
		y, yok := new(big.Rat).SetString(b)
		if a != b && !(xok && yok && x.Cmp(y) == 0) {
			return false
		}
	}
	return true
}
