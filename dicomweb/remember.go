package dicomweb

import (
	"slices"

	"tenon/dicomweb/index"
	"tenon/server/record"
)

// What a unit wrote is remembered for the next one that stores into the study, so
// that single instances that follow each other do not read the study again. The
// next unit rests on it only where nothing in it can be a repetition; record
// judges the reach and the version of the ImagingStudy as ever, and what has
// changed meanwhile is a conflict, after which the unit looks at what is there.

// remembered is a study as the last unit left it. It is never changed.
type remembered struct {
	study   index.Study
	series  []index.Series
	members []index.Instance
	version *record.Version
}

func (u *unit) memory() string {
	who := u.in.r.who
	return u.in.tenant() + " " + who.Principal + " " + u.group[0].study.UID
}

// recall fills what is held from memory.
func (u *unit) recall() bool {
	m, ok := u.in.door.known.get(u.memory(), index.Stamp{})
	if !ok {
		return false
	}
	for _, a := range u.group {
		if slices.ContainsFunc(m.members, func(i index.Instance) bool { return i.UID == a.instance.UID }) {
			return false // whether it is the same is to be looked up
		}
	}
	study := m.study
	u.held = &index.Holdings{Study: &study, Reachable: true, Series: slices.Clone(m.series), Members: m.members}
	u.before = m.version
	return true
}

// remember keeps what the unit has written, where the study is short enough to be
// known whole.
func (u *unit) remember(out *record.Outcome) {
	door, key := u.in.door, u.memory()
	if len(u.held.Members)+len(u.fresh) != int(value(u.study.Instances)) || value(u.study.Instances) > maxListed ||
		len(out.Results) != 1 || out.Results[0].Version == nil {
		door.known.drop(key)
		return
	}
	m := &remembered{study: u.study, members: u.held.Members[:len(u.held.Members):len(u.held.Members)], version: out.Results[0].Version}
	changed := map[string]bool{}
	for _, s := range u.series {
		m.series = append(m.series, *s)
		changed[s.UID] = true
	}
	for _, s := range u.held.Series {
		if s.Study == u.study.UID && !changed[s.UID] {
			m.series = append(m.series, s)
		}
	}
	for _, a := range u.fresh {
		i := a.instance
		i.Content = index.Content{}
		m.members = append(m.members, i)
	}
	door.known.put(key, index.Stamp{}, m, len(m.version.Body)+1024*(len(m.members)+len(m.series)+1))
}
