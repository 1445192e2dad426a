package main

// limitRules are the bounds of a limit.
func limitRules(doc object) []mutation {
	var all []mutation
	for i, q := range items(doc, "qualifiedInterval") {
		r, _ := q["range"].(object)
		for _, bound := range []string{"low", "high"} {
			if r[bound] != nil {
				all = append(all, mutation{what: "interval " + bound, kind: "limit", ids: requirementsIn(doc), change: func(d object) {
					delete(items(d, "qualifiedInterval")[i]["range"].(object), bound)
				}})
			}
		}
	}
	return all
}
