package doctor

import "fmt"

// inotify is how much of its events Linux lets a user have, and how much this user has, as far as that is told: of processes
// that this user may look at.
type inotify struct {
	has                 bool // this system has inotify
	instances, watches  int
	mostInstances, most int
}

// crowded is how much of a limit is too much, in percent.
const crowded = 80

func (i inotify) judge() (level Level, says, remedy string) {
	says = fmt.Sprintf("user has %d of %d instances and %d of %d watches, as far as can be told", i.instances,
		i.mostInstances, i.watches, i.most)
	switch {
	case i.instances*100 >= crowded*i.mostInstances:
		return Warning, says, fmt.Sprintf("sysctl fs.inotify.max_user_instances=%d", 4*i.mostInstances)
	case i.watches*100 >= crowded*i.most:
		return Warning, says, fmt.Sprintf("sysctl fs.inotify.max_user_watches=%d", 4*i.most)
	}
	return OK, says, ""
}
