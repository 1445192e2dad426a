package accesspolicy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tenon/server/access"
	"tenon/test/servertest"
)

// told is an explanation.
type told struct {
	result bool
	states map[string]string
}

func explanation(body []byte) (x told, err error) {
	var p struct {
		Parameter []struct {
			Name         string
			ValueBoolean *bool
			Part         []struct {
				Name, ValueCode string
				ValueCoding     struct {
					System, Code, Display string
					Zh                    json.RawMessage `json:"_display"`
				}
			}
		}
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return x, err
	}
	x.states = map[string]string{}
	for _, one := range p.Parameter {
		if one.Name == "result" {
			x.result = *one.ValueBoolean
		}
		if one.Name != "conjunct" {
			continue
		}
		rule := one.Part[0].ValueCoding
		if rule.System != "urn:tenon:access-rule" || rule.Display == "" || !strings.Contains(string(rule.Zh), "zh") {
			return x, fmt.Errorf("a rule is %+v", rule)
		}
		x.states[rule.Code] = one.Part[1].ValueCode
	}
	return x, nil
}

// explained: the administrator hears of random people and things what the policy
// says, and the conjuncts amount to it; everybody hears about himself alone.
func (w *world) explained(t *testing.T) {
	admin := w.Token(t, "PractitionerRole/watch2")
	var list []asked
	for range setting("TENON_ACCESS_EXPLAINED", 120) {
		p, x := pick(w, w.people), pick(w, w.things)
		for p.app || x.now().deleted { // the administrator asks about persons
			p, x = pick(w, w.people), pick(w, w.things)
		}
		list = append(list, asked{p, &question{path: x.ref()}})
	}
	w.each(t, list, func(one asked) error {
		a, err := w.Try(context.Background(), servertest.Request{Token: admin, Method: "GET", Path: "/fhir/" + one.q.path + "/$explain-access?person=" + one.p.principal})
		if err != nil || a.Status != 200 {
			return fmt.Errorf("%s = %v %.300s", one.q.path, err, a.Body)
		}
		x, err := explanation(a.Body)
		if err != nil {
			return err
		}
		subject := w.byRef[one.q.path]
		// an unmet consent alone does not say whether it closes a case or withholds the thing
		if want := one.p.may("r", subject, subject.now()); x.result != want || amounts(x.states) != want && (want || x.states["consent"] != "unmet") {
			return fmt.Errorf("%s: result %v, conjuncts %v amount to %v, want %v", one.q.path, x.result, x.states, amounts(x.states), want)
		}
		return nil
	})
	t.Run("each rule has the words of the code system, in both languages", w.ruleWords)
	t.Run("others ask about themselves", func(t *testing.T) {
		p, x := w.people[0], w.things[0]
		a := w.Send(t, servertest.Request{Token: p.token, Path: "/fhir/" + x.ref() + "/$explain-access?person=" + w.people[1].principal})
		if a.Status != 403 || !strings.Contains(string(a.Body), "explain-role") {
			t.Errorf("about another = %d %.200s, want 403 explain-role", a.Status, a.Body)
		}
		for _, x := range w.things[:40] {
			a := w.Expect(t, 200, servertest.Request{Token: p.token, Path: "/fhir/" + x.ref() + "/$explain-access"})
			if got, err := explanation(a.Body); err != nil || got.result != p.may("r", x, x.now()) {
				t.Errorf("%s about himself: %v %v, want %v", x.ref(), got, err, p.may("r", x, x.now()))
			}
		}
	})
}

// amounts is what the rules of an explanation amount to, by the policy's words.
func amounts(states map[string]string) bool {
	met := func(rules ...string) bool {
		return !slices.ContainsFunc(rules, func(r string) bool { return states[r] != "met" })
	}
	return states["scopes"] != "unmet" && (met("directory") || met("everything") || met("self") || met("organization") || met("emergency") || met("membership", "level"))
}

// ruleWords: policies are resources, which everybody who has a token reads.
func (w *world) ruleWords(t *testing.T) {
	a := w.Expect(t, 200, servertest.Request{Token: w.people[0].token, Path: "/fhir/CodeSystem/access-rule"})
	var s struct {
		Concept []struct {
			Code, Display, Definition string
			Designation               []struct{ Language, Value string }
		}
	}
	if err := json.Unmarshal(a.Body, &s); err != nil || len(s.Concept) != 11 {
		t.Fatalf("%v, %d rules", err, len(s.Concept))
	}
	for _, c := range s.Concept {
		english, chinese := access.Rule(c.Code).Words()
		if c.Display != english || c.Definition == "" || len(c.Designation) != 1 || c.Designation[0].Value != chinese {
			t.Errorf("%s: %q %v, want %q %q", c.Code, c.Display, c.Designation, english, chinese)
		}
	}
}
