package search

import "strings"

// membershipURL is the definition of the parameter case: what belongs to a case,
// whatever names it there. It is asked of the record's own table of members, of
// which no row is made of a resource.
const membershipURL = "urn:tenon:searchparameter:resource-case"

// membership tells the parameter that asks for the members of cases.
func (p *Parameter) membership() bool { return p.Type == "special" && p.URL == membershipURL }

// members reads ids of root Tasks, Task/id or id. The caller must reach the root
// Task: that something belongs to a case tells about the case.
func (p *parser) members(param *Parameter, modifier, value string) ([]Clause, error) {
	if modifier != "" {
		return nil, badModifier(param, modifier)
	}
	ids := split(value, ',')
	if len(ids) > maxValues {
		return nil, tooMany()
	}
	for i, v := range ids {
		if ids[i] = strings.TrimPrefix(v, "Task/"); !validID(ids[i]) {
			return nil, badValue(v, "应为病例根任务，形式为 Task/id。", "a case is named by its root Task, as Task/id")
		}
	}
	return []Clause{Member{Of: Alias{Types: []string{"Task"}, Reach: p.reach("Task"), Where: []Clause{IDs{IDs: ids}}}}}, nil
}
