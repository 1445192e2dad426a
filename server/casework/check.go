package casework

import (
	"regexp"
	"slices"
	"strings"

	"tenon/server/access"
)

// check judges what only the whole plan shows.
func (c *compiler) check() {
	ids := map[string]bool{}
	for _, s := range c.plan.Stages {
		c.checkRoles(s)
		c.checkOrder(s)
		c.checkSignatures(s, ids)
		c.checkConditions(s, ids)
	}
	c.checkExceptions()
	c.checkReach()
}

// known refuses a role that the plan does not list.
func (c *compiler) known(at string, role access.Role) {
	if c.plan.Role(role) == nil {
		c.fault(at, "The role %q is unknown to the plan.", role)
	}
}

func (c *compiler) checkRoles(s *Stage) {
	at := "PlanDefinition.action[" + s.Code + "]"
	c.known(at, s.Owner)
	for _, r := range s.Roles {
		c.known(at, r)
	}
	if !slices.Contains(s.Roles, s.Owner) {
		c.fault(at, "The owner %s of the stage is not among its participants.", s.Owner)
	}
}

func (c *compiler) checkOrder(s *Stage) {
	at := "PlanDefinition.action[" + s.Code + "]"
	for _, code := range s.After {
		if c.plan.Stage(code) == nil {
			c.fault(at+".relatedAction", "The stage %q is unknown.", code)
		}
	}
	if s.ReturnTo != "" && c.plan.Stage(s.ReturnTo) == nil {
		c.fault(at, "The stage %q to return to is unknown.", s.ReturnTo)
	}
}

func (c *compiler) checkSignatures(s *Stage, ids map[string]bool) {
	for _, r := range s.Signatures {
		at := "PlanDefinition.action[" + s.Code + "].signature[" + r.ID + "]"
		if len(r.Roles) == 0 || r.Purpose == "" || r.Text == "" || r.Chinese == "" || len(r.Clauses) == 0 {
			c.fault(at, "A signature has a role, a purpose, a clause, and a text in English and Chinese.")
		}
		for _, role := range r.Roles {
			c.known(at, role)
		}
		if of := c.plan.Stage(r.Stage); of == nil || of.output(r.Document) == nil {
			c.fault(at, "The stage %q has no output %q to sign.", r.Stage, r.Document)
		}
		c.checkGate(at, r.Gate)
		c.once(at, r.ID, ids)
	}
}

func (c *compiler) checkConditions(s *Stage, ids map[string]bool) {
	for i := range s.Conditions {
		cond := &s.Conditions[i]
		at := "PlanDefinition.action[" + s.Code + "].condition[" + cond.ID + "]"
		if cond.Waiver != "" {
			c.known(at, cond.Waiver)
		}
		c.checkGate(at, cond.Gate)
		c.once(at, cond.ID, ids)
		c.checkArguments(at, cond.Source)
	}
}

func (c *compiler) checkGate(at, gate string) {
	if gate != "" && c.plan.Gate(gate) == nil && len(c.plan.Gates) > 0 {
		c.fault(at, "The gate %q is unknown.", gate)
	}
}

func (c *compiler) once(at, id string, ids map[string]bool) {
	if ids[id] {
		c.fault(at, "The id %q is there twice.", id)
	}
	ids[id] = true
}

// The arguments of predicates that name parts of the plan. FHIRPath checks their
// number and type; that the stage, document or role exists only we can tell.
var (
	callOfDocument = regexp.MustCompile(`\b(output|input|traces|validatedForDesign|derivedFromEach|lists|followedToEnd|notBelowReference)\('([^']*)',\s*'([^']*)'[,)]`)
	callOfStage    = regexp.MustCompile(`\b(?:stage|completed|verdictCurrent)\('([^']*)'\)`)
	callOfStages   = regexp.MustCompile(`\bcompletedAll\('([^']*)'\)`)
	callOfRole     = regexp.MustCompile(`\b(?:signed|signedAt|inTeamAs)\('([^']*)'`)
	callOfRoles    = regexp.MustCompile(`\b(?:distinctPersons|gradeAbove)\('([^']*)',\s*'([^']*)'`)
	callOfSetting  = regexp.MustCompile(`\b(?:setting|youngerThan|followedFor|plannedFor)\('([^']*)'\)`)
	callOfLimit    = regexp.MustCompile(`\b(?:within|resolution)\('([^']*)'\)`)
)

func (c *compiler) checkArguments(at, source string) {
	for _, m := range callOfDocument.FindAllStringSubmatch(source, -1) {
		c.checkDocument(at, m[1], m[2], m[3])
	}
	for _, m := range callOfStage.FindAllStringSubmatch(source, -1) {
		c.checkStage(at, m[1])
	}
	for _, m := range callOfStages.FindAllStringSubmatch(source, -1) {
		for _, code := range strings.Fields(m[1]) {
			c.checkStage(at, code)
		}
	}
	for _, m := range callOfRole.FindAllStringSubmatch(source, -1) {
		c.known(at, access.Role(m[1]))
	}
	for _, m := range callOfRoles.FindAllStringSubmatch(source, -1) {
		c.known(at, access.Role(m[1]))
		c.known(at, access.Role(m[2]))
	}
	for _, m := range callOfSetting.FindAllStringSubmatch(source, -1) {
		if !slices.ContainsFunc(c.plan.Settings, func(s Setting) bool { return s.Code == m[1] }) {
			c.fault(at, "The setting %q is unknown to the plan.", m[1])
		}
	}
	for _, m := range callOfFamily.FindAllStringSubmatch(source, -1) {
		if families[m[1]] == nil {
			c.fault(at, "The question %q is unknown: judged() knows what the record can answer.", m[1])
		}
	}
	for _, m := range callOfLimit.FindAllStringSubmatch(source, -1) {
		if limits, err := embeddedLimits(); err != nil || limits[m[1]].id == "" {
			c.fault(at, "The limit %q is unknown: it needs an ObservationDefinition of the guide.", m[1])
		}
	}
}

func (c *compiler) checkStage(at, code string) {
	if c.plan.Stage(code) == nil {
		c.fault(at, "The stage %q is unknown.", code)
	}
}

func (c *compiler) checkDocument(at, call, stage, document string) {
	s := c.plan.Stage(stage)
	if s == nil {
		c.fault(at, "%s: the stage %q is unknown.", call, stage)
		return
	}
	list := s.Outputs
	if call == "input" {
		list = s.Inputs
	}
	if !slices.ContainsFunc(list, func(d Document) bool { return d.Code == document }) {
		c.fault(at, "%s: the stage %s has no document %q.", call, stage, document)
	}
}

// checkReach takes away, again and again, the stages whose predecessors are all
// taken: what is left waits for itself or for what nobody reaches.
func (c *compiler) checkReach() {
	if len(c.plan.Stages) == 0 {
		c.fault("PlanDefinition.action", "A plan has at least one stage.")
	}
	done := map[string]bool{}
	for again := true; again; {
		again = false
		for _, s := range c.plan.Stages {
			if !done[s.Code] && !slices.ContainsFunc(s.After, func(code string) bool { return !done[code] }) {
				done[s.Code], again = true, true
			}
		}
	}
	first := 0
	for _, s := range c.plan.Stages {
		if !done[s.Code] {
			c.fault("PlanDefinition.action["+s.Code+"]", "The stage %s can never be reached: it waits for itself, in a cycle.", s.Code)
		}
		if len(s.After) == 0 {
			first++
		}
	}
	if first != 1 && len(c.plan.Stages) > 0 {
		c.fault("PlanDefinition.action", "A case begins with exactly one stage, and %d have no predecessor.", first)
	}
}
