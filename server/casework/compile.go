package casework

import (
	"slices"
	"strconv"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
)

// CompilePlan reads a PlanDefinition and proves that a case can run on it: every
// role, document, purpose, gate and predicate is known, every expression
// compiles, every stage is reachable and no stage waits for itself. Failures
// name the action and the condition.
func CompilePlan(root tree.Node) (*Plan, error) {
	c := &compiler{plan: &Plan{
		URL: root.Field("url").Str(), Version: root.Field("version").Str(),
		Title: root.Field("title").Str(), Chinese: chineseOf(root.Field("_title")),
	}}
	c.header(root)
	for action := range root.Field("action").Items() {
		c.stage(action)
	}
	c.check()
	if len(c.faults) > 0 {
		return nil, issue.New(c.faults...).WithStatus(422)
	}
	return c.plan, nil
}

type compiler struct {
	plan   *Plan
	faults []issue.Issue
}

// fault notes what is wrong; compiling goes on, so that all faults are told.
func (c *compiler) fault(path, format string, args ...any) {
	f := issue.Errorf(issue.BusinessRule, format, args...).At(path).Rule("plan")
	c.faults = append(c.faults, f.Issues[0])
}

// header reads gates, roles and settings, which are extensions of the plan.
func (c *compiler) header(root tree.Node) {
	if root.Field("resourceType").Str() != "PlanDefinition" || c.plan.URL == "" || c.plan.Version == "" {
		c.fault("PlanDefinition", "A plan is a PlanDefinition with url and version.")
	}
	for _, n := range extensions(root, extensionPrefix+"gate") {
		status, _ := strconv.Atoi(part(n, "status"))
		c.plan.Gates = append(c.plan.Gates, Gate{Code: part(n, "code"), Status: status, Text: part(n, "text"), Chinese: part(n, "chinese")})
	}
	c.retention(root)
	for _, n := range extensions(root, extensionPrefix+"role") {
		r := RoleRule{Role: access.Role(part(n, "code")), Principal: part(n, "principal") == "true", Clause: part(n, "clause"), Qualifications: parts(n, "qualification")}
		if !slices.Contains(knownRoles, r.Role) {
			c.fault("PlanDefinition.extension", "The role %q is unknown.", r.Role)
		}
		c.plan.Roles = append(c.plan.Roles, r)
	}
	for _, n := range extensions(root, extensionPrefix+"setting") {
		s := Setting{Code: part(n, "code"), Type: part(n, "type"), Anew: part(n, "anew") == "true", Clause: part(n, "clause"), Text: part(n, "text"), Chinese: part(n, "chinese")}
		if s.Type != "integer" && s.Type != "duration" {
			c.fault("PlanDefinition.extension", "The setting %q has the type %q; it must be integer or duration.", s.Code, s.Type)
		}
		c.plan.Settings = append(c.plan.Settings, s)
	}
	c.exceptions(root)
}

var knownRoles = []access.Role{
	access.CLIN, access.AGENT, access.PAT, access.HOSP, access.IMG, access.MFR, access.DES, access.REV,
	access.PROD, access.QA, access.DBA, access.LOG, access.LAB, access.ETH, access.REG,
}

// stage reads one action.
func (c *compiler) stage(n tree.Node) {
	s := &Stage{
		Code: codeOf(n.Field("code"), systemStage), Title: n.Field("title").Str(), Chinese: chineseOf(n.Field("_title")),
		Owner:    access.Role(valueOf(extension(n, extensionPrefix+"owner")).Str()),
		Activity: n.Field("definitionCanonical").Str(), Form: n.Path("documentation", "resource").Str(),
		ReturnTo: valueOf(extension(n, extensionPrefix+"return-to")).Str(),
		Named:    valueOf(extension(n, extensionPrefix+"named")).Bool(),
		Clauses:  clauses(n),
	}
	at := "PlanDefinition.action[" + n.Field("id").Str() + "]"
	if s.Code == "" || s.Code != n.Field("id").Str() {
		c.fault(at, "An action has the code of its stage (%s) as id.", systemStage)
	}
	if c.plan.Stage(s.Code) != nil {
		c.fault(at, "The stage %s is there twice.", s.Code)
	}
	for p := range n.Field("participant").Items() {
		s.Roles = append(s.Roles, access.Role(codeOf(p.Field("role"), systemRole)))
	}
	for r := range n.Field("relatedAction").Items() {
		if rel := r.Field("relationship").Str(); rel != "after-end" {
			c.fault(at, "The relationship %q is not understood; stages follow one another with after-end.", rel)
		}
		s.After = append(s.After, r.Field("actionId").Str())
	}
	s.Days, _ = strconv.Atoi(n.Path("timingDuration", "value").Text())
	if s.Days <= 0 || n.Path("timingDuration", "code").Str() != "d" {
		c.fault(at+".timingDuration", "A stage states in how many days it is due (clause 9.3.7).")
	}
	s.Inputs, s.Outputs = c.documents(at, n.Field("input")), c.documents(at, n.Field("output"))
	for _, sig := range extensions(n, extensionPrefix+"signature") {
		s.Signatures = append(s.Signatures, signatureRule(sig, s.Code))
	}
	for cond := range n.Field("condition").Items() {
		c.condition(at, s, cond)
	}
	c.plan.Stages = append(c.plan.Stages, s)
}

func signatureRule(n tree.Node, stage string) SignatureRule {
	r := SignatureRule{
		ID: part(n, "id"), Purpose: part(n, "purpose"), Document: part(n, "document"), Stage: part(n, "stage"),
		Optional: part(n, "optional") == "true", Gate: part(n, "gate"), Clauses: parts(n, "clause"),
		Text: part(n, "text"), Chinese: part(n, "chinese"),
	}
	for _, role := range parts(n, "role") {
		r.Roles = append(r.Roles, access.Role(role))
	}
	if r.Stage == "" {
		r.Stage = stage
	}
	return r
}

// documents reads DataRequirements; several of one code are alternatives of type.
func (c *compiler) documents(at string, list tree.Node) []Document {
	var docs []Document
	for n := range list.Items() {
		code := ""
		for filter := range n.Field("codeFilter").Items() {
			for coding := range filter.Field("code").Items() {
				if coding.Field("system").Str() == systemDocument {
					code = coding.Field("code").Str()
				}
			}
		}
		typ := n.Field("type").Str()
		if code == "" || model().Type(typ) == nil {
			c.fault(at, "A document has a known resource type (%q) and a code of %s (%q).", typ, systemDocument, code)
			continue
		}
		asked := c.profiles(at, n)
		if i := slices.IndexFunc(docs, func(d Document) bool { return d.Code == code }); i >= 0 {
			docs[i].Types = append(docs[i].Types, typ)
			docs[i].Profiles[typ] = asked
			continue
		}
		least, err := strconv.Atoi(valueOf(extension(n, extensionPrefix+"min")).Text())
		if err != nil {
			least = 1
		}
		docs = append(docs, Document{Code: code, Types: []string{typ}, Min: least,
			Sealed: valueOf(extension(n, extensionPrefix+"sealed")).Bool(), Own: valueOf(extension(n, extensionPrefix+"own")).Bool(),
			Profiles: map[string][]string{typ: asked}})
		c.hazard(at, &docs[len(docs)-1], valueOf(extension(n, extensionPrefix+"hazard")).Str())
	}
	return docs
}

// hazard compiles what in a document is a problem of the device.
func (c *compiler) hazard(at string, d *Document, source string) {
	if source == "" {
		return
	}
	var err error
	d.Hazard = source
	if d.hazard, err = fhirpath.Compile(source, environment()); err != nil {
		c.fault(at, "The hazard of %q: %v", d.Code, err)
	}
}

// profiles reads the profiles that a document must follow.
func (c *compiler) profiles(at string, document tree.Node) []string {
	var asked []string
	for p := range document.Field("profile").Items() {
		if !theGuide().knows(p.Str()) {
			c.fault(at, "The profile %q is not one of the guide.", p.Str())
			continue
		}
		if typ, of := document.Field("type").Str(), theGuide().typeOf(p.Str()); of != typ {
			c.fault(at, "The profile %q is of %s; no %s can follow it.", p.Str(), of, typ)
			continue
		}
		asked = append(asked, string(p.AppendStr(nil)))
	}
	return asked
}

func (c *compiler) condition(at string, s *Stage, n tree.Node) {
	e := n.Field("expression")
	cond := Condition{
		ID: e.Field("name").Str(), Kind: Kind(n.Field("kind").Str()), Source: e.Field("expression").Str(),
		Text: e.Field("description").Str(), Chinese: chineseOf(e.Field("_description")), Clauses: clauses(n),
		Gate:   valueOf(extension(n, extensionPrefix+"gate")).Str(),
		Floor:  valueOf(extension(n, extensionPrefix+"floor")).Bool(),
		Waiver: access.Role(valueOf(extension(n, extensionPrefix+"waiver")).Str()),
		Job:    valueOf(extension(n, extensionPrefix+"job")).Bool(),
	}
	at += ".condition[" + cond.ID + "]"
	if cond.ID == "" || cond.Text == "" || cond.Chinese == "" || len(cond.Clauses) == 0 {
		c.fault(at, "A condition has an id (expression.name), a clause, and a text in English and Chinese.")
	}
	if cond.Kind != Start && cond.Kind != Stop {
		c.fault(at, "A condition is of kind start or stop, not %q.", cond.Kind)
	}
	if lang := e.Field("language").Str(); lang != "text/fhirpath" {
		c.fault(at, "The language %q is not understood; conditions are text/fhirpath.", lang)
	}
	var err error
	if cond.expr, err = fhirpath.Compile(cond.Source, environment()); err != nil {
		c.fault(at, "%v", err)
	} else if types := cond.expr.Types(); len(types) > 0 && !slices.ContainsFunc(types, isBoolean) {
		c.fault(at, "The expression yields %s, not a boolean.", strings.Join(types, ", "))
	}
	s.Conditions = append(s.Conditions, cond)
}

func isBoolean(typ string) bool {
	return typ == "System.Boolean" || typ == "FHIR.boolean" || typ == "boolean"
}

// part is the value of a sub-extension as text, parts are all of that URL.
func part(n tree.Node, url string) string { return valueOf(extension(n, url)).Text() }

func parts(n tree.Node, url string) []string {
	var all []string
	for _, ext := range extensions(n, url) {
		all = append(all, valueOf(ext).Text())
	}
	return all
}

func clauses(n tree.Node) []string { return parts(n, extensionPrefix+"clause") }
