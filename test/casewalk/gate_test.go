package casewalk

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// gateRows keeps how many rows of a kind the ordinary test tries in a stage;
// TENON_PROVE=1 or TENON_GATES=all tries every one.
const gateRows = 1

func everyRow() bool { return os.Getenv("TENON_PROVE") != "" || os.Getenv("TENON_GATES") == "all" }

// TestGates carries a case from stage to stage and, before each begins its work
// and before each ends, takes one thing away that the stage asks for, by raw
// requests: the refusal has the status of the gate, the clause and the condition,
// names nothing else, and writes nothing. Then the thing is put right again.
func TestGates(t *testing.T) {
	w := NewWorld(t, "sqlite")
	g := &gates{t: t, w: w}
	defer g.report()
	if err := w.Agree(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*Process{agreementProcess(), implant(), socket()} {
		t.Run(p.Plan, func(t *testing.T) {
			g.t = t
			g.process(p)
		})
	}
	g.t = t
}

// gates is the table of the rows tried.
type gates struct {
	t     *testing.T
	w     *World
	c     *Case
	lines []string
}

func (g *gates) process(p *Process) {
	c, err := g.w.Open(p)
	if err != nil {
		g.t.Fatal(err)
	}
	c.quiet = true
	g.c = c
	for _, s := range p.order() {
		if err := g.stage(s); err != nil {
			g.t.Fatalf("%s %s: %v", p.Plan, s.Code, err)
		}
	}
}

// stage tries the rows of one stage and ends it.
func (g *gates) stage(s *Stage) error {
	c := g.c
	if err := c.bringTo(s, working); err != nil {
		return err
	}
	for _, row := range c.startRows(s) {
		g.try(s, working, row)
	}
	if rows := c.earlyRows(s); len(rows) > 0 {
		if err := c.bringTo(s, working); err == nil {
			err = c.must(Step{Kind: Move, Who: firstOf[s.Owner], Stage: s.Code, To: working})
			if err != nil {
				return err
			}
		}
		for _, row := range rows {
			g.try(s, completed, row)
		}
	}
	if err := c.bringBut(s, completed, c.isLast); err != nil {
		return err
	}
	if rows := c.lastRows(s); len(rows) > 0 {
		if err := c.resign(s); err != nil {
			return err
		}
		for _, row := range rows {
			g.try(s, completed, row)
		}
	}
	if err := c.bringBut(s, completed, func(x Step) bool { return x.Kind == Waive }); err != nil {
		return err
	}
	for _, row := range c.waiverRows(s) {
		g.try(s, completed, row)
	}
	if err := c.bringTo(s, completed); err != nil {
		return err
	}
	tried := map[string]int{}
	for _, row := range slices.Concat(c.personRows(s), c.missingRows(s), c.signatureRows(s), c.defectRows(s)) {
		if tried[row.kind]++; everyRow() || tried[row.kind] <= gateRows {
			g.try(s, completed, row)
		}
	}
	return c.bringTo(s, "")
}

// try takes something away, sees the move refused for it alone, and puts it back.
func (g *gates) try(s *Stage, to string, row gateRow) {
	name := strings.Join(append(slices.Clone(row.clause), g.c.p.Plan, s.Code, row.name), " ")
	g.t.Run(name, func(t *testing.T) {
		if row.owed != "" {
			t.Skip("owed: " + row.owed)
		}
		if g.c.stages[s.Code].state == completed {
			t.Fatal("the stage ended before its turn")
		}
		if err := row.take(); err != nil {
			t.Fatal(errors.Join(fmt.Errorf("take away: %w", err), row.back()))
		} else if row.atDoor {
			return
		}
		a, err := g.c.Refused(Step{Kind: Move, Who: firstOf[s.Owner], Stage: s.Code, To: to})
		if err != nil {
			t.Fatal(errors.Join(err, g.c.catchUp(), row.back()))
		}
		g.judge(t, s, row, a)
		if err := row.back(); err != nil {
			t.Fatal("put back: ", err)
		}
	})
}

// judge holds the refusal against the row.
func (g *gates) judge(t *testing.T, s *Stage, row gateRow, a *Answer) {
	var rules, clauses []string
	for _, i := range a.Issues {
		rules, clauses = append(rules, i.Rule), append(clauses, i.Clause...)
		if len(i.Clause) == 0 || i.Text == "" || i.Chinese == "" {
			t.Errorf("%s has no clause, or not both languages: %v %q %q", i.Rule, i.Clause, i.Text, i.Chinese)
		}
	}
	slices.Sort(rules)
	rules = slices.Compact(rules)
	slices.Sort(clauses)
	clauses = slices.Compact(clauses)
	status := row.status
	if len(status) == 0 {
		status = []int{s.Status}
	}
	if !slices.Contains(status, a.Status) {
		t.Errorf("refused with %d, want %v: %s", a.Status, status, a.told())
	}
	if row.rule != "" && !slices.Contains(rules, row.rule) {
		t.Errorf("the refusal does not name %s: %s", row.rule, a.told())
	}
	if row.rule == "" && len(rules) == 0 {
		t.Error("the refusal names no condition")
	}
	if len(row.clause) > 0 && !slices.ContainsFunc(row.clause, func(c string) bool { return slices.Contains(clauses, c) }) {
		t.Errorf("the refusal has the clauses %v, want one of %v: %s", clauses, row.clause, a.told())
	}
	g.lines = append(g.lines, fmt.Sprintf("%s\t%s\t%s\t%d\t%s\t%s", g.c.p.Plan, s.Code, row.name, a.Status, strings.Join(rules, " "), strings.Join(clauses, " ")))
}

func (g *gates) report() {
	g.t.Logf("%d rows", len(g.lines))
	if name := os.Getenv("TENON_GATES_WRITE"); name != "" {
		if err := os.WriteFile(name, []byte("plan\tstage\tunmet\tstatus\tconditions\tclauses\n"+strings.Join(g.lines, "\n")+"\n"), 0o600); err != nil {
			g.t.Error(err)
		}
	}
}
