package demo

// get walks into decoded JSON by the names of elements; an array stands for its
// first item. What is not there is nil.
func get(v any, path ...string) any {
	for _, name := range path {
		v = first(v)
		o, ok := v.(obj)
		if !ok {
			return nil
		}
		v = o[name]
	}
	return v
}

func first(v any) any {
	if list, ok := v.(arr); ok {
		if len(list) == 0 {
			return nil
		}
		return list[0]
	}
	return v
}

// str is get for a string.
func str(v any, path ...string) string {
	s, _ := first(get(v, path...)).(string)
	return s
}

// items is get for a list of objects.
func items(v any, path ...string) []obj {
	list, _ := get(v, path...).(arr)
	var all []obj
	for _, item := range list {
		if o, ok := item.(obj); ok {
			all = append(all, o)
		}
	}
	return all
}
