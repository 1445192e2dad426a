package casewalk

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// gateRow is one thing that a stage asks for and that is taken away alone.
type gateRow struct {
	kind, name string
	clause     []string // rows of the requirements, one of which the refusal names
	rule       string
	status     []int  // the stage's own if empty
	owed       string // why it is not tried yet
	atDoor     bool   // taking away is itself what is refused
	take, put  func() error
}

// back puts right what was taken.
func (r *gateRow) back() error {
	if r.put == nil {
		return nil
	}
	return r.put()
}

// bringBut takes the legal steps of a stage but some, until no other is left.
func (c *Case) bringBut(s *Stage, to string, but func(Step) bool) error {
	for range 400 {
		steps := slices.DeleteFunc(c.lead(s), but)
		if len(steps) == 0 || steps[0].Kind == Move && steps[0].To == to {
			return nil
		}
		if _, err := c.Act(steps[0]); err != nil {
			return &Disagreement{err, c.trace, c.standing()}
		}
	}
	return fmt.Errorf("%s does not get to %s: %s", s.Code, to, c.standing())
}

// startRows: what must be named before the work begins.
func (c *Case) startRows(s *Stage) (all []gateRow) {
	for _, need := range s.WorkNeeds {
		_, part := c.p.part(need)
		all = append(all, c.unnamed(s, part, s.WorkStatus))
		for _, wrong := range part.Wrong {
			all = append(all, c.swapped(s, part, wrong))
		}
	}
	return all
}

// isLast tells the writing of parts that cannot be changed.
func (c *Case) isLast(x Step) bool {
	_, part := c.p.part(x.Part)
	return x.Kind == Make && part.Last
}

// earlyRows: what cannot be changed is not written before the document that it is
// about is named, for it would be lost.
func (c *Case) earlyRows(s *Stage) []gateRow {
	for i := range s.Parts {
		part := &s.Parts[i]
		if !part.Last {
			continue
		}
		path, _ := strings.CutSuffix(part.Needs[0], "!")
		_, list := c.p.part(path)
		return []gateRow{{
			kind: "early", name: part.Key + " before " + list.Key + " is named", clause: part.Clause, atDoor: true,
			take: func() error {
				if err := c.must(Step{Kind: Make, Who: list.By, Stage: s.Code, Part: path}); err != nil {
					return err
				}
				return c.refusedWrite(Step{Kind: Make, Who: part.By, Stage: s.Code, Part: s.Code + "/" + part.Key})
			},
		}}
	}
	return nil
}

// lastRows: the stage lacks one more of the parts that cannot be changed, each
// row adds one.
func (c *Case) lastRows(s *Stage) (all []gateRow) {
	for i := range s.Parts {
		part := &s.Parts[i]
		if !part.Last {
			continue
		}
		made := Step{Kind: Make, Who: part.By, Stage: s.Code, Part: s.Code + "/" + part.Key}
		row := gateRow{kind: "last", name: "not yet " + part.Key, rule: part.Rule, clause: part.Clause, take: func() error { return nil }, put: func() error { return nil }}
		all = append(all, row)
		for _, d := range part.Decoys {
			decoy := row
			decoy.name = part.Key + " " + d.Name
			decoy.take = func() error { return c.decoy(made, d) }
			all = append(all, decoy)
		}
		all[len(all)-1].put = func() error { return c.must(made) }
	}
	return all
}

// decoy writes a part with a fault beside the case's own: the model does not
// know of it.
func (c *Case) decoy(s Step, d Defect) error {
	_, part := c.p.part(s.Part)
	by := c.people[s.Who]
	body := part.Body(c.writer(by))
	d.Spoil(body)
	a, err := c.w.send(by, "POST", part.Type, body)
	if err == nil && a.Status != 201 {
		err = fmt.Errorf("POST %s %s = %d %s", part.Key, d.Name, a.Status, a.told())
	}
	return err
}

// personRows: the label was printed for somebody with another name.
func (c *Case) personRows(s *Stage) []gateRow {
	if s.Code != "S13" {
		return nil
	}
	rename := func(family string) func() error {
		return func() error {
			o := maps.Clone(c.person)
			o["name"] = Arr{Obj{"use": "official", "text": family + " An", "family": family, "given": Arr{"An"}}}
			delete(o, "meta")
			c.beside[s.Code] = "the label bears another name"
			if family == "" {
				o["name"] = c.person["name"]
				delete(c.beside, s.Code)
			}
			a, err := c.w.send(c.people["clin-wang"], "PUT", c.patient.Ref, o)
			if err == nil && a.Status != 200 {
				err = fmt.Errorf("PUT Patient = %d %s", a.Status, a.told())
			}
			if err == nil && family == "" {
				err = c.reviewAll()
			}
			return err
		}
	}
	return []gateRow{{
		kind: "person", name: "label of another name", rule: "G-RECEIVE/label-is-patient", clause: []string{"R001-169"},
		take: rename("Else"), put: rename(""),
	}}
}

// waiverRows: the answer of a person that the server asks for; the case stands
// as bringBut left it.
func (c *Case) waiverRows(s *Stage) (all []gateRow) {
	for _, w := range s.Waivers {
		steps := c.answer(s, w)
		if w.Work || len(steps) == 0 {
			continue
		}
		all = append(all, gateRow{
			kind: "waiver", name: "not answered: " + w.Condition, status: one(w.Status),
			take: func() error { return nil },
			put:  func() error { return c.must(steps[0]) },
		})
	}
	return all
}

// missingRows: a document that is written and signed, but not named.
func (c *Case) missingRows(s *Stage) (all []gateRow) {
	for i := range s.Parts {
		if part := &s.Parts[i]; part.As == Output && !part.Optional && !part.Free && part.Or == "" {
			all = append(all, c.unnamed(s, part, s.Status))
		}
	}
	return all
}

// unnamed takes a document out of the Task.
func (c *Case) unnamed(s *Stage, part *Part, status int) gateRow {
	path := s.Code + "/" + part.Key
	return gateRow{
		kind: "missing", name: "no " + part.Key, status: s.lacks(part, status),
		take: func() error { return c.unname(s, part) },
		put: func() error {
			return c.must(Step{Kind: Name, Who: c.first(s.Owner), Stage: s.Code, Part: path})
		},
	}
}

// lacks are the statuses of a refusal for want of a part: what the start asks for
// is asked for at the end too.
func (s *Stage) lacks(part *Part, status int) []int {
	all := []int{status, 422}
	if slices.Contains(s.WorkNeeds, s.Code+"/"+part.Key) {
		all = append(all, 409)
	}
	return all
}

// unname removes the naming of a part from the Task of its stage.
func (c *Case) unname(s *Stage, part *Part) error {
	p, task, element := c.parts[s.Code+"/"+part.Key], c.stages[s.Code].task, "output"
	if part.As == Input {
		element = "input"
	}
	a, err := c.w.send(c.people[c.p.Opener], "GET", task, nil)
	if err != nil {
		return err
	}
	for i, o := range list(decode(a.Body), element) {
		if str(o, "valueReference", "reference") != p.ref || str(o, "type", "coding", "code") != part.document() {
			continue
		}
		path := fmt.Sprintf("/%s/%d", element, i)
		if len(list(decode(a.Body), element)) == 1 {
			path = "/" + element
		}
		a, err := c.w.send(c.people[c.first(s.Owner)], "PATCH", task, encode(Arr{Obj{"op": "remove", "path": path}}), "Content-Type", "application/json-patch+json")
		if err != nil {
			return err
		}
		if a.Status != 200 {
			return fmt.Errorf("unname %s = %d %s", part.Key, a.Status, a.told())
		}
		p.named, c.stages[s.Code].version = false, a.version()
		return nil
	}
	return errors.New(part.Key + " is not named")
}

// signatureRows: all have signed the document but one.
func (c *Case) signatureRows(s *Stage) (all []gateRow) {
	for _, k := range s.Signatures {
		stage, part := c.p.part(k.Part)
		if stage != s || part.Body == nil {
			continue // the document is sealed: see the way before it was signed
		}
		all = append(all, gateRow{
			kind: "signature", status: []int{s.Status, 422}, name: k.Role + " has not signed " + part.Key + " for " + k.Purpose, rule: k.Rule,
			take: func() error {
				if err := c.must(Step{Kind: Edit, Who: part.By, Stage: s.Code, Part: k.Part}); err != nil {
					return err
				}
				return c.resign(s, k)
			},
			put: func() error { return c.resign(s) },
		})
	}
	return all
}

// defectRows: a document with one fault, signed by all.
func (c *Case) defectRows(s *Stage) (all []gateRow) {
	for i := range s.Parts {
		part := &s.Parts[i]
		edit := Step{Kind: Edit, Who: part.By, Stage: s.Code, Part: s.Code + "/" + part.Key}
		for _, d := range part.Defects {
			spoilt := edit
			spoilt.Defect = d.Name
			row := gateRow{
				kind: part.Key, owed: d.Owed, atDoor: d.AtDoor, name: part.Key + ": " + d.Name, clause: d.Clause, rule: d.Rule, status: one(d.Status),
				take: func() error { return errors.Join(c.must(spoilt), c.resign(s)) },
				put:  func() error { return errors.Join(c.must(edit), c.resign(s)) },
			}
			if d.Unfit {
				row.owed = "it opens a nonconformity: see the walk"
			}
			if d.AtDoor {
				row.take, row.put = func() error { return c.refusedWrite(spoilt) }, nil
			}
			all = append(all, row)
		}
	}
	return all
}

func one(status int) []int {
	if status == 0 {
		return nil
	}
	return []int{status}
}

// refusedWrite sees that a fault does not even get written.
func (c *Case) refusedWrite(s Step) error {
	a, err := c.Refused(s)
	if err == nil && (a.Status != 422 || len(a.Issues) == 0 || a.Issues[0].Text == "") {
		err = fmt.Errorf("%s = %d %s, want 422 and why", s, a.Status, a.told())
	}
	return err
}

// swapped names something else in the place of a part.
func (c *Case) swapped(s *Stage, part *Part, wrong Wrong) gateRow {
	p, right := c.parts[s.Code+"/"+part.Key], c.parts[s.Code+"/"+part.Key].ref
	other := *p
	swap := func(from, to string) error {
		p.ref = from
		if err := c.unname(s, part); err != nil {
			return err
		}
		p.ref = to
		return c.must(Step{Kind: Name, Who: c.first(s.Owner), Stage: s.Code, Part: s.Code + "/" + part.Key})
	}
	return gateRow{
		kind: "wrong " + part.Key, name: part.Key + " is " + wrong.Ref, rule: wrong.Rule, clause: wrong.Clause, status: one(s.WorkStatus),
		take: func() error { return swap(right, wrong.Ref) },
		put: func() error {
			err := swap(wrong.Ref, right)
			p.version = other.version
			return err
		},
	}
}

// reviewAll answers the reviews that a changed identity brought.
func (c *Case) reviewAll() error {
	dice := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // an order, not a secret
	for c.opened(reviewed) == nil {
		for c.x != nil {
			if err := c.must(c.settling(dice)[0]); err != nil {
				return err
			}
		}
	}
	return nil
}
