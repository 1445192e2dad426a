package casework

import (
	"fmt"
	"slices"

	"tenon/server/access"
)

// The closing of an account (Organization.active false): a hospital's stops all of
// its cases; a manufacturer's stops those that it has to do for until the device
// is in the hospital. The case rests, a job is held, and the hospital hands over:
// it cancels the case and opens a new one with prior-request at another
// manufacturer. Opened again, the account lets its cases go on.

// makerRoles are the roles of the manufacturer's side.
var makerRoles = []access.Role{access.DES, access.REV, access.PROD, access.QA, access.MFR, access.LOG}

// closedMaker is a manufacturer of the agreement in force whose account is closed.
func (v *view) closedMaker() *Resource {
	for _, c := range v.contracts() {
		for _, ref := range referencesOf(c.Root.Field("subject")) {
			if of := v.byRef[ref]; ref != v.hospital && of != nil && of.Type == "Organization" && closed(of) {
				return of
			}
		}
	}
	return nil
}

// makerStage tells whether a stage needs the manufacturer: it is his, or orders
// from him.
func makerStage(s *Stage) bool {
	return slices.Contains(makerRoles, s.Owner) || s.output("order") != nil
}

// accounted says which closed account keeps a stage from moving.
func (v *view) accounted(s *Stage) []Unmet {
	var all []Unmet
	if closed(v.byRef[v.hospital]) {
		all = append(all, v.guard(s, "hospital-closed", "R001-009 R001-035", "The account of the hospital is closed: its cases rest.", "医院账户已关闭，其病例停止推进。"))
	}
	if of := v.closedMaker(); of != nil && makerStage(s) && v.untilUse(s) {
		all = append(all, v.guard(s, "manufacturer-closed", "R001-009 R001-035",
			fmt.Sprintf("The account of the manufacturer %s is closed. Hand over: cancel the case, and open a new one by $apply with prior-request.", of.Ref()),
			fmt.Sprintf("制造方 %s 账户已关闭：请取消病例，并以 prior-request 开启新病例移交。", of.Ref())))
	}
	return all
}

// accountDue rests a case whose hospital or manufacturer closed the account, and
// lets it go on when it is open again.
func (d *decider) accountDue() {
	v := d.after
	if !closed(v.byRef[v.hospital]) && v.closedMaker() == nil {
		d.goOn()
		return
	}
	d.rest(ChangePending, "account", "The account of an organisation of the case is closed.", func(s *Stage) bool { return len(v.accounted(s)) > 0 })
	d.tell(notice{kind: "account", about: []string{v.root.Ref()}, to: append(v.holders(access.HOSP, access.MFR, access.PROD), v.clinician),
		english: "The account of an organisation of the case is closed: the case rests until it is handed over.", chinese: "病例所属机构账户已关闭：病例暂停，须移交。"})
}
