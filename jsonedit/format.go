package jsonedit

// AppendFormat appends value, laid out in the given style, to dst. Its first line continues the line that dst ends with;
// the lines behind it are indented by indent and more. Scalars are copied to the letter, comments are dropped. It takes
// one pass, however deep the value is.
func AppendFormat(dst, value []byte, style Style, indent string) []byte {
	return appendFormat(dst, value, skipTrivia(value, 0), style, indent, false)
}

// maxIndent is the longest indentation, in bytes, that a new line gets; what is still deeper shares a line. It bounds how
// much longer a text can become by being laid out: what is nested a thousand levels deep and wide is hostile.
const maxIndent = 256

func appendFormat(dst, b []byte, i int, style Style, indent string, nested bool) []byte {
	f := formatter{dst, b, style}
	f.value(i, indent, style.Newline == "", nested)
	return f.dst
}

type formatter struct {
	dst, text []byte
	style     Style
}

// value appends the value at i and returns where it ends.
func (f *formatter) value(i int, indent string, flat, nested bool) int {
	bracket := f.text[i]
	if !isComposite(bracket) {
		end := skipValue(f.text, i)
		f.dst = append(f.dst, f.text[i:end]...)
		return end
	}
	f.dst = append(f.dst, bracket)
	i = skipTrivia(f.text, i+1)
	if isClose(f.text[i]) {
		f.dst = append(f.dst, f.text[i])
		return i + 1
	}
	flat = flat || len(indent) > maxIndent || f.style.sharesLine(bracket, nested) && holdsScalars(f.text, i)
	inner := indent
	if !flat {
		inner += f.style.Unit
	}
	for first := true; !isClose(f.text[i]); first = false {
		f.separate(bracket, first, flat, inner)
		if bracket == '{' {
			end := skipString(f.text, i)
			f.dst = append(append(f.dst, f.text[i:end]...), f.style.Colon...)
			i = skipTrivia(f.text, skipTrivia(f.text, end)+1)
		}
		i, _ = skipComma(f.text, f.value(i, inner, flat, true))
	}
	if flat {
		f.dst = append(f.dst, f.style.pad(bracket)...)
	} else {
		f.dst = append(append(f.dst, f.style.Newline...), indent...)
	}
	f.dst = append(f.dst, f.text[i])
	return i + 1
}

// separate appends what stands before an element.
func (f *formatter) separate(bracket byte, first, flat bool, indent string) {
	switch {
	case flat && first:
		f.dst = append(f.dst, f.style.pad(bracket)...)
		return
	case flat:
		f.dst = append(f.dst, f.style.Comma...)
		return
	case !first:
		f.dst = append(f.dst, ',')
	}
	f.dst = append(append(f.dst, f.style.Newline...), indent...)
}

// sharesLine reports whether an object or array of scalars is written without line breaks.
func (s Style) sharesLine(bracket byte, nested bool) bool {
	if bracket == '[' {
		return s.FlatArrays
	}
	return s.FlatObjects && nested
}

// holdsScalars reports whether nothing in the object or array whose first element is at i is an object or array itself. It
// looks no further than to the first that is.
func holdsScalars(b []byte, i int) bool {
	for {
		switch b[i] {
		case '{', '[':
			return false
		case '}', ']':
			return true
		case '"':
			i = skipString(b, i)
		case '/':
			i = skipComment(b, i)
		default:
			i++
		}
	}
}
