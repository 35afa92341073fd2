//go:build unix

package neighbours

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/neighbours/nodetest"
)

// firstOfOurs is the id of the first task that the fragments change; those before it are Task Master's.
const firstOfOurs = 11

// besideTaskMaster has the command line of task-master-ai for a neighbour. It reads before it locks, so that what was merged
// in the second before it saves is undone although both sides lock.
func besideTaskMaster(t *testing.T) outcome {
	program := filepath.Join(nodetest.Modules(t, "proper-lockfile", "steno", "task-master-ai"), ".bin", "task-master")
	folder := quickDir(t)
	s := &session{t, folder, filepath.Join(folder, ".taskmaster", "tasks", "tasks.json")}
	for _, dir := range []string{".git", "drop", filepath.Dir(s.tasks)[len(folder):]} {
		must(t, os.MkdirAll(s.path(dir), 0o755))
	}
	var tasks []string
	for id := 1; id < firstOfOurs+phases; id++ {
		tasks = append(tasks, fmt.Sprintf(`{"id":%d,"title":"x","description":"x","status":"pending","dependencies":[],"priority":"medium",`+
			`"details":"","testStrategy":"","ours":0,"ours_list":[],"subtasks":[{"id":2,"title":"x","description":"x","status":"pending"}]}`, id))
	}
	must(t, os.WriteFile(s.tasks, fmt.Appendf(nil, `{"master":{"tasks":[%s],"metadata":{"description":"x"}}}`, strings.Join(tasks, ",")), 0o644))
	call := func(args ...string) bool {
		cmd := exec.Command(program, args...)
		cmd.Dir = s.folder
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("task-master %v: %v\n%s", args, err, out)
		}
		return err == nil && (args[0] != "list" || bytes.Contains(out, []byte("pending")))
	}
	sc := newScene(s)
	sc.neighbour = func() books {
		b := newBooks(theirs)
		b.Member = "status"
		end := time.Now().Add(*length)
		for n := 0; n < 2 || time.Now().Before(end); n++ {
			id, status := fmt.Sprint(n%(firstOfOurs-1)+1), []string{"in-progress", "done", "deferred"}[n/10%3]
			if !call("set-status", "--id="+id, "--status="+status) {
				return b
			}
			b.Writes++
			b.Last[id] = status
		}
		if !call("list") {
			t.Error("task-master list does not show the tasks")
		}
		return b
	}
	sc.settings = append(sc.settings, "tasks="+s.tasks, "document.layout=taskmaster", "document.lock=proper-lockfile")
	sc.fragment = changeTask
	return sc.work()
}

// changeTask is the n-th fragment for Task Master's file: a member of a task or of a subtask, or one more element.
func changeTask(n int, b *books) string {
	id := fmt.Sprint(firstOfOurs + n/3%phases)
	switch n % 10 {
	case 0:
		b.Last[id+".2"] = float64(n)
		return fmt.Sprintf(`{"id":"%s.2","ours":%d}`, id, n)
	case 1, 2:
		note := fmt.Sprintf("o-%d", n)
		b.Notes[id] = append(b.Notes[id], note)
		return fmt.Sprintf(`{"id":%s,"$op":"patch","$patch":[{"op":"add","path":"/ours_list/-","value":%q}]}`, id, note)
	default:
		b.Last[id] = float64(n)
		return fmt.Sprintf(`{"id":%s,"ours":%d}`, id, n)
	}
}
