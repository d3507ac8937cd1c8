// SPDX-License-Identifier: GPL-2.0-only
#include "lookup.h"

#include <dirent.h>
#include <errno.h>
#include <libmount/libmount.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "stack.h"
#include "stack_tree.h"

#define MAX_DEPTH 32 /* of nested cgroups */

/* --- processes --- */

int lookup_pid(struct filter *filter, const char *root, const char *text, struct error *err)
{
	char path[PATH_MAX], line[256], *end;
	unsigned long pid;
	unsigned int tgid = 0;
	FILE *file;

	errno = 0;
	pid = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || !pid || pid > INT_MAX)
		return error_set(err, EINVAL, "--pid %s: the number of a process is wanted", text);
	snprintf(path, sizeof(path), "%s/proc/%lu/status", root, pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Tgid: %u", &tgid) == 1)
			break;
	if (file)
		fclose(file);
	if (!tgid)
		return error_set(err, ESRCH,
				 "--pid %lu: no such process; ps lists them, and --comm or --unit "
				 "also holds of those to come",
				 pid);
	return filter_add_pid(filter, tgid, err);
}

/* --- cgroups --- */

/* Where the first cgroup2 file system is mounted, below @root. */
static int find_mount(char *point, size_t size, const char *root, const char *option,
		      const char *text, struct error *err)
{
	char path[PATH_MAX];
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_table *table;
	struct libmnt_fs *fs;
	bool found = false;

	snprintf(path, sizeof(path), "%s/proc/self/mountinfo", root);
	table = mnt_new_table_from_file(path);
	while (table && iter && !found && mnt_table_next_fs(table, iter, &fs) == 0) {
		const char *type = mnt_fs_get_fstype(fs), *target = mnt_fs_get_target(fs);

		found = type && target && !strcmp(type, "cgroup2") &&
			(size_t)snprintf(point, size, "%s%s", root, target) < size;
	}
	mnt_unref_table(table);
	mnt_free_iter(iter);
	if (found)
		return 0;
	return error_set(
		err, ENOENT,
		"%s %s: no cgroup2 file system is mounted (a machine with cgroup v1 only?); "
		"mount one (mount -t cgroup2 none DIRECTORY), or use --pid or --comm",
		option, text);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

int lookup_cgroup(struct filter *filter, const char *root, const char *text, struct error *err)
{
	char point[PATH_MAX / 2], path[PATH_MAX], given[PATH_MAX];
	size_t length;
	int ret = find_mount(point, sizeof(point), root, "--cgroup", text, err);

	if (ret)
		return ret;
	length = strlen(point);
	snprintf(given, sizeof(given), "%s%s", root, text);
	if (!*text || strstr(text, "..") || strlen(text) >= PATH_MAX / 2)
		return error_set(err, EINVAL, "--cgroup '%s': the path of a cgroup is wanted",
				 text);
	if (!strncmp(given, point, length) && (!given[length] || given[length] == '/'))
		snprintf(path, sizeof(path), "%s", given);
	else
		snprintf(path, sizeof(path), "%s/%s", point, text + strspn(text, "/"));
	if (!is_directory(path))
		return error_set(err, ENOENT,
				 "--cgroup %s: there is no %s; that of a process is in "
				 "/proc/PID/cgroup (the line that begins with 0::)",
				 text, path + strlen(root));
	return filter_add_cgroup(filter, path, err);
}

struct unit_search {
	struct filter *filter;
	const char *name;
	char with_type[NAME_MAX + 16]; /* NAME.service */
	struct error *err;
};

/* Adds the directories called so below @path, which has room for PATH_MAX. */
static int search_units(struct unit_search *search, char *path, int depth)
{
	size_t length = strlen(path);
	DIR *directory = depth < MAX_DEPTH ? opendir(path) : NULL;
	struct dirent *entry;
	int ret = 0;

	while (directory && !ret && (entry = readdir(directory))) {
		size_t name = strlen(entry->d_name);

		if (entry->d_name[0] == '.' || length + name + 2 > PATH_MAX ||
		    (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
			continue;
		path[length] = '/';
		memcpy(path + length + 1, entry->d_name, name + 1);
		if (!is_directory(path))
			continue;
		if (!strcmp(entry->d_name, search->name) ||
		    !strcmp(entry->d_name, search->with_type))
			ret = filter_add_cgroup(search->filter, path, search->err);
		else
			ret = search_units(search, path, depth + 1);
	}
	if (directory)
		closedir(directory);
	path[length] = '\0';
	return ret;
}

int lookup_unit(struct filter *filter, const char *root, const char *name, struct error *err)
{
	struct unit_search search = {filter, name, "", err};
	size_t before = filter->nr_cgroups;
	char path[PATH_MAX];
	int ret = find_mount(path, sizeof(path), root, "--unit", name, err);

	if (ret)
		return ret;
	if (!*name || strchr(name, '/') || strlen(name) > NAME_MAX)
		return error_set(err, EINVAL,
				 "--unit '%s': the name of a systemd unit is wanted, e.g. "
				 "postgresql.service",
				 name);
	snprintf(search.with_type, sizeof(search.with_type), "%s.service", name);
	ret = search_units(&search, path, 0);
	if (ret || filter->nr_cgroups > before)
		return ret;
	return error_set(
		err, ENOENT,
		"--unit %s: no cgroup of that name, so no such unit is running (or systemd "
		"is not); systemctl --type=service lists them, --cgroup takes a path",
		name);
}

/* --- devices --- */

bool lookup_number(const char *text, uint32_t *dev)
{
	unsigned int major, minor;
	int used = 0;

	if (sscanf(text, "%u:%u%n", &major, &minor, &used) != 2 || text[used] || major > 0xfff ||
	    minor > 0xfffff)
		return false;
	*dev = STACK_DEV(major, minor);
	return true;
}

int lookup_dev(struct filter *filter, const char *root, const char *text, struct error *err)
{
	char path[PATH_MAX], line[64];
	struct stat st;
	uint32_t dev;

	if (lookup_number(text, &dev))
		return filter_add_dev(filter, dev, err);
	if (*text && !strchr(text, '/') && strcmp(text, ".") != 0 && strcmp(text, "..") != 0) {
		if (stack_tree_read(root, line, sizeof(line), "sys/class/block/%s/dev", text) > 0 &&
		    lookup_number(line, &dev))
			return filter_add_dev(filter, dev, err);
	}
	snprintf(path, sizeof(path), "%s%s%s", root, *text == '/' ? "" : "/dev/", text);
	if (stat(path, &st) || !S_ISBLK(st.st_mode))
		return error_set(err, ENOENT,
				 "--dev %s: no block device; a node (/dev/sda1), a name (sda1) or "
				 "numbers (8:1) are wanted, lsblk lists them",
				 text);
	return filter_add_dev(filter, STACK_DEV(major(st.st_rdev), minor(st.st_rdev)), err);
}

/* --- names of files --- */

int lookup_path(struct filter *filter, const char *text, struct error *err)
{
	char path[2 * PATH_MAX], start[PATH_MAX], real[PATH_MAX];
	size_t fixed = strcspn(text, "*?["), length;

	if (!*text || strlen(text) >= PATH_MAX)
		return error_set(err, EINVAL,
				 "--path '%s': the name of a file or directory, or a "
				 "pattern in quotes, is wanted",
				 text);
	if (fixed == 0)
		return filter_add_path(filter, text, err); /* anywhere */
	/* Names are told with links resolved: as much as has no pattern in it and exists. */
	if (text[fixed])
		while (fixed && text[fixed - 1] != '/')
			fixed--;
	for (length = fixed;; length--) {
		if (length && text[length] && text[length] != '/' && text[length - 1] != '/')
			continue;
		memcpy(start, text, length);
		start[length] = '\0';
		if (realpath(length ? start : ".", real))
			break;
		if (!length)
			return error_set(err, errno, "--path %s: %s; give it from / on", text,
					 strerror(errno));
	}
	text += length;
	text += strspn(text, "/");
	snprintf(path, sizeof(path), "%s%s%s", real, *text && strcmp(real, "/") != 0 ? "/" : "",
		 text);
	return filter_add_path(filter, path, err);
}
