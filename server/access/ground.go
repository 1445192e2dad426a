package access

// ground is one reason for which a principal reaches resources, and the rule that
// names it. The policy is stated here alone: own folds the grounds into the
// predicate that every read carries, Explain tells them one by one.
type ground struct {
	rule  Rule
	meets Predicate
}

// grounds are those of the principal, whatever an app may do.
//
//	operator, server   everything
//	regulator          directory, every case, for reading
//	hospital           directory, what the hospital owns, cases open to the person
//	security, audit    directory, cases open to the person; security its reviews
//	manufacturer       directory, what the manufacturer owns outside cases, cases open to the person
//	patient            directory, the own record, cases open to the patient
//	machine            directory, cases open to it, the subscriptions of its owner
//	backend            an app that acts for an organisation: as its people do without a case
func (c *Context) grounds() []ground {
	if c == nil {
		return nil
	}
	directory := ground{RuleDirectory, TypeIn(Directory)}
	cases := ground{RuleMembership, InCase{Principals: []string{c.Principal}}}
	switch c.Kind {
	case Operator, Server:
		return []ground{{RuleEverything, Everything{}}}
	case Person:
		if c.regulates() {
			return []ground{directory, {RuleMembership, AnyCase{Ceiling: ceilingRegulator}}}
		}
		all := append(append([]ground{directory}, c.brought()...), cases)
		if c.Has(SEC) && c.Organization != "" {
			all = append(all, ground{RuleOrganization, OwnedBy{Organization: SecurityOf(c.Organization)}})
		}
		return all
	case Patient:
		all := []ground{directory, cases}
		if typ, id, ok := cutRef(c.Principal); ok {
			all = append(all, ground{RuleSelf, Is{typ, id}})
		}
		return all
	case System:
		if brought := c.brought(); brought != nil { // a backend that acts for a whole organisation
			return append(append([]ground{directory}, brought...), cases)
		}
		return []ground{directory, cases, {RuleOrganization, AllOf{TypeIn{"Subscription"}, OwnedBy{Organization: c.Organization}}}}
	}
	return nil
}

// brought is what the caller's organisation brought in.
func (c *Context) brought() []ground {
	if owns := c.owns(); owns != nil {
		return []ground{{RuleOrganization, owns}}
	}
	return nil
}

// opened are the patients whose record an emergency opens, for reading.
func (c *Context) opened(v Verb) (all []ground) {
	if c == nil || v != Read && v != Search {
		return nil
	}
	for _, p := range c.Emergency {
		all = append(all, ground{RuleEmergency, About{p}})
	}
	return all
}
