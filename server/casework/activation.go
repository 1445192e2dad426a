package casework

import (
	"fmt"
	"slices"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
)

// purposeActivation is the purpose of the signatures that put a plan in force.
const purposeActivation = "plan-activation"

// activators sign a hospital's own plan: the platform's administrator and quality,
// who answer for what stands before every case (mission/stages.md §3, S00).
var activators = []access.Role{access.ADMIN, access.QA}

// OwnPlan is a hospital's own plan, as it is stored, with the signatures over it.
type OwnPlan struct {
	Resource
	Owner      string // organisation that wrote its first version, or that the operator's names
	Signatures []Signature
}

// IsProcess tells whether a PlanDefinition is a process that cases run on, and not
// a plan of another kind: its actions are stages.
func IsProcess(root tree.Node) bool {
	if root.Field("resourceType").Str() != "PlanDefinition" {
		return false
	}
	for action := range root.Field("action").Items() {
		if codeOf(action.Field("code"), systemStage) != "" {
			return true
		}
	}
	return false
}

// OwnerOf is the organisation that a plan names as its own: that of a plan which
// the operator wrote for a hospital (extension plan-owner).
func OwnerOf(root tree.Node) string {
	return referenceOf(valueOf(extension(root, extensionPrefix+"plan-owner")))
}

// Embedded tells whether a PlanDefinition bears the number of a plan in the binary:
// whatever the database holds of it, cases run on the one in the binary.
func (e *Engine) Embedded(root tree.Node) bool { return e.Knows(canonicalOf(root)) }

// MayActivate says what is wrong with a signature that activates a plan (design law
// 3): it is given by an administrator and by a person of quality of the hospital
// that the plan belongs to, two persons, each over the current version of a draft
// that is a sound plan and keeps the floor. The error is what `tenon plan check`
// says of it.
func (e *Engine) MayActivate(p *OwnPlan, role access.Role, actor *access.Context) ([]Unmet, error) {
	no := func(id, english, chinese string) ([]Unmet, error) {
		return []Unmet{{Condition: id, State: Unsatisfied, Clause: "R001-035", Text: english, Chinese: chinese}}, nil
	}
	switch {
	case !actor.CanSign() || actor.Kind != access.Person:
		return no("signer-is-person", "Only a natural person signs; an operator or a machine cannot.", "只有自然人可以签名，操作员或设备不可。")
	case !IsProcess(p.Root) || e.Embedded(p.Root):
		return no("activation-own", p.Ref()+" is no process of a hospital's own: what the guide brings is in force already.", "该计划不是医疗机构自有流程，无需启用。")
	case !slices.Contains(activators, role) || !actor.Has(role):
		return no("activation-role", fmt.Sprintf("A plan is activated by one who holds the role ADMIN and one who holds the role QA; %s does not sign as %s.", actor.Principal, role),
			"计划须由平台管理员（ADMIN）与质量人员（QA）共同启用。")
	case p.Owner == "":
		return no("activation-owner", p.Ref()+" was written by the operator and names no hospital: its extension plan-owner says whose plan it is, and people of that hospital activate it.",
			"该计划由平台运营者写入且未指明所属医疗机构：请在扩展 plan-owner 中指明，由该机构人员启用。")
	case actor.Organization != p.Owner || actor.Side != access.Hospital:
		return no("activation-organisation", fmt.Sprintf("%s belongs to %q: people of that hospital alone activate it.", p.Ref(), p.Owner), "仅计划所属医疗机构的人员可启用该计划。")
	case p.Root.Field("status").Str() != "draft":
		return no("activation-draft", p.Ref()+" is no draft; nothing of it is left to activate.", "该计划不是草案，无需启用。")
	}
	for _, s := range p.given(p.Version) {
		if s.Person == actor.Person {
			return no("two-persons", fmt.Sprintf("The person behind %s signed this version as %s already; another person must sign as %s.", actor.Principal, s.Role, p.missing()),
				"同一人不得两次签署同一版本，须由另一人签署。")
		}
		if s.Role == role {
			return no("activation-twice", fmt.Sprintf("This version was signed as %s already; %s is missing.", role, p.missing()), "该角色已签署此版本。")
		}
	}
	if faults := e.CheckPlan(p.Root); len(faults) > 0 {
		return nil, issue.New(faults...).WithStatus(422)
	}
	return nil, nil
}

// given are the signatures over one version that count for its activation.
func (p *OwnPlan) given(version int64) []Signature {
	return slices.DeleteFunc(slices.Clone(p.Signatures), func(s Signature) bool {
		return s.Target != p.Ref() || s.Version != version || s.Purpose != purposeActivation || s.Outcome == Refused || s.Person == ""
	})
}

// missing are the roles that the current version still waits for.
func (p *OwnPlan) missing() string {
	return list(slices.DeleteFunc(slices.Clone(activators), func(role access.Role) bool {
		return slices.ContainsFunc(p.given(p.Version), func(s Signature) bool { return s.Role == role })
	}))
}

// Signed are the versions that two persons signed, one in each role, ascending.
func (p *OwnPlan) Signed() []int64 {
	var all []int64
	for _, s := range p.Signatures {
		if !slices.Contains(all, s.Version) && p.bySeveral(p.given(s.Version)) {
			all = append(all, s.Version)
		}
	}
	slices.Sort(all)
	return all
}

func (p *OwnPlan) bySeveral(given []Signature) bool {
	for _, a := range given {
		for _, b := range given {
			if a.Role == activators[0] && b.Role == activators[1] && a.Person != b.Person {
				return true
			}
		}
	}
	return false
}

// Activated is the plan as the server puts it in force.
func (p *OwnPlan) Activated() []byte { return edited(p.Root, member{"status", `"active"`}) }

// SamePlan tells whether two versions of a plan say the same, but for their status
// and what a server notes in meta.
func SamePlan(a, b tree.Node) bool {
	n := 0
	for name, child := range a.Fields() {
		if name == "status" || name == "meta" {
			continue
		}
		n++
		if !sameTree(child, b.Field(name)) {
			return false
		}
	}
	for name := range b.Fields() {
		if name != "status" && name != "meta" {
			n--
		}
	}
	return n == 0
}

// NotActive is the refusal to open a case on a plan that nobody put in force.
func (p *OwnPlan) NotActive() error {
	why, chinese := "is signed by nobody in this version", "此版本尚未签署"
	switch {
	case p.Root.Field("status").Str() == "retired":
		why, chinese = "is retired", "已停用"
	case len(p.given(p.Version)) > 0:
		why, chinese = "still waits for the signature of "+p.missing(), "尚缺 "+p.missing()+" 的签名"
	}
	return issue.Errorf(issue.BusinessRule, "The plan %s is not in force: it %s. One person with the role ADMIN and another with the role QA sign the same version ($sign with purpose %s).",
		p.Ref(), why, purposeActivation).At("PlanDefinition.status").Rule("plan-activation").Clause("R001-035").WithStatus(409).Chinese("该计划未生效：" + chinese + "。须由 ADMIN 与 QA 两人签署同一版本。")
}
