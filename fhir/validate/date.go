package validate

// https://hl7.org/fhir/R4/datatypes.html#dateTime

// isDate takes YYYY, YYYY-MM and YYYY-MM-DD of the Gregorian calendar.
func isDate(s string) bool {
	year, ok := number(s, 0, 4)
	if !ok || year == 0 {
		return false
	}
	if len(s) == 4 {
		return true
	}
	month, ok := number(s, 5, 2)
	if !ok || s[4] != '-' || month < 1 || month > 12 {
		return false
	}
	if len(s) == 7 {
		return true
	}
	day, ok := number(s, 8, 2)
	return ok && s[7] == '-' && day >= 1 && day <= days(year, month) && len(s) == 10
}

// isDateTime takes a date, or a time with seconds and time zone.
func isDateTime(s string) bool {
	if len(s) <= 10 {
		return isDate(s)
	}
	return isInstant(s)
}

func isInstant(s string) bool {
	if len(s) < 20 || s[10] != 'T' || !isDate(s[:10]) {
		return false
	}
	zone := len(s) - 6
	if s[len(s)-1] == 'Z' {
		zone = len(s) - 1
	}
	return isTime(s[11:zone]) && isZone(s[zone:])
}

// isZone takes Z and offsets up to 14:00.
func isZone(s string) bool {
	if s == "Z" {
		return true
	}
	hours, ok := number(s, 1, 2)
	minutes, ok2 := number(s, 4, 2)
	return ok && ok2 && len(s) == 6 && (s[0] == '+' || s[0] == '-') && s[3] == ':' &&
		minutes < 60 && (hours < 14 || hours == 14 && minutes == 0)
}

// isTime takes hh:mm:ss with a fraction; the second 60 is a leap second.
func isTime(s string) bool {
	hours, ok := number(s, 0, 2)
	minutes, ok2 := number(s, 3, 2)
	seconds, ok3 := number(s, 6, 2)
	if !ok || !ok2 || !ok3 || s[2] != ':' || s[5] != ':' || hours > 23 || minutes > 59 || seconds > 60 {
		return false
	}
	if len(s) == 8 {
		return true
	}
	for i := 9; i < len(s); i++ {
		if !digit(s[i]) {
			return false
		}
	}
	return s[8] == '.' && len(s) > 9
}

// number reads size digits at a place.
func number(s string, at, size int) (value int, ok bool) {
	if at+size > len(s) {
		return 0, false
	}
	for _, c := range []byte(s[at : at+size]) {
		if !digit(c) {
			return 0, false
		}
		value = value*10 + int(c-'0')
	}
	return value, true
}

func days(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}
