// SPDX-License-Identifier: GPL-2.0-only
#include "filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "pathname.h"

#define DELETED " (deleted)"

void filter_clear(struct filter *filter)
{
	size_t i;

	for (i = 0; i < filter->nr_cgroups; i++)
		free(filter->cgroups[i]);
	for (i = 0; i < filter->nr_paths; i++)
		free(filter->paths[i]);
	memset(filter, 0, sizeof(*filter));
}

static int make_room(size_t count, const char *option, struct error *err)
{
	if (count < FILTER_MAX)
		return 0;
	return error_set(err, E2BIG, "more than %d of %s; give fewer, or run several audits",
			 FILTER_MAX, option);
}

int filter_add_pid(struct filter *filter, uint32_t tgid, struct error *err)
{
	int ret = make_room(filter->nr_pids, "--pid", err);

	if (!ret)
		filter->pids[filter->nr_pids++] = tgid;
	return ret;
}

int filter_add_comm(struct filter *filter, const char *text, struct error *err)
{
	size_t length = strcspn(text, "*");
	int ret = make_room(filter->nr_comms, "--comm", err);

	if (ret)
		return ret;
	if (!*text || (text[length] && text[length + 1]))
		return error_set(err, EINVAL,
				 "--comm '%s': a name as ps -o comm shows it is wanted, or the "
				 "beginning of one and a *",
				 text);
	filter->comms[filter->nr_comms].prefix = text[length] == '*';
	if (length > FILTER_COMM_SIZE - 1)
		length = FILTER_COMM_SIZE - 1;
	memset(filter->comms[filter->nr_comms].text, 0, FILTER_COMM_SIZE);
	memcpy(filter->comms[filter->nr_comms++].text, text, length);
	return 0;
}

static int add_text(char **list, size_t *count, const char *text, const char *option,
		    struct error *err)
{
	int ret = make_room(*count, option, err);

	if (ret)
		return ret;
	list[*count] = strdup(text);
	if (!list[*count])
		return error_set(err, ENOMEM, "out of memory");
	(*count)++;
	return 0;
}

int filter_add_cgroup(struct filter *filter, const char *directory, struct error *err)
{
	return add_text(filter->cgroups, &filter->nr_cgroups, directory, "--cgroup and --unit",
			err);
}

int filter_add_dev(struct filter *filter, uint32_t dev, struct error *err)
{
	int ret = make_room(filter->nr_devs, "--dev", err);

	if (!ret)
		filter->devs[filter->nr_devs++] = dev;
	return ret;
}

int filter_add_path(struct filter *filter, const char *path, struct error *err)
{
	return add_text(filter->paths, &filter->nr_paths, path, "--path", err);
}

static void describe(char *out, size_t size, const char *option, const char *value)
{
	size_t used = strlen(out);

	used += (size_t)snprintf(out + used, size - used, "%s--%s ", used ? " " : "", option);
	if (used < size)
		format_safe_text(out + used, size - used, value, strlen(value));
}

const char *filter_describe(const struct filter *filter, char *out, size_t size)
{
	char text[32];
	size_t i;

	*out = '\0';
	for (i = 0; i < filter->nr_pids; i++) {
		snprintf(text, sizeof(text), "%u", filter->pids[i]);
		describe(out, size, "pid", text);
	}
	for (i = 0; i < filter->nr_comms; i++) {
		snprintf(text, sizeof(text), "%s%s", filter->comms[i].text,
			 filter->comms[i].prefix ? "*" : "");
		describe(out, size, "comm", text);
	}
	for (i = 0; i < filter->nr_cgroups; i++)
		describe(out, size, "cgroup", filter->cgroups[i]);
	for (i = 0; i < filter->nr_devs; i++)
		describe(out, size, "dev", format_dev(text, sizeof(text), filter->devs[i]));
	for (i = 0; i < filter->nr_paths; i++)
		describe(out, size, "path", filter->paths[i]);
	return out;
}

void filter_comm_mask(const struct filter *filter, size_t index, char mask[FILTER_COMM_SIZE],
		      char value[FILTER_COMM_SIZE])
{
	const char *text = filter->comms[index].text;
	size_t compared = strlen(text) + !filter->comms[index].prefix;

	memset(mask, 0, FILTER_COMM_SIZE);
	memset(mask, 0xff, compared);
	memcpy(value, text, FILTER_COMM_SIZE);
}

bool filter_has_dev(const struct filter *filter, uint32_t dev)
{
	size_t i;

	for (i = 0; i < filter->nr_devs; i++)
		if (filter->devs[i] == dev)
			return true;
	return false;
}

static bool has_name(const struct filter *filter, const char *path)
{
	size_t i;

	for (i = 0; i < filter->nr_paths; i++) {
		const char *wanted = filter->paths[i];

		if (pathname_is_below(path, wanted) ||
		    (strpbrk(wanted, "*?[") && !fnmatch(wanted, path, 0)))
			return true;
	}
	return false;
}

bool filter_has_path(const struct filter *filter, const char *path)
{
	size_t length = path ? strlen(path) : 0, tail = strlen(DELETED);
	bool found;
	char *name;

	if (!filter->nr_paths || !path || !strncmp(path, "...", 3) || has_name(filter, path))
		return true;
	if (length <= tail || strcmp(path + length - tail, DELETED) != 0)
		return false;
	name = strndup(path, length - tail);
	found = !name || has_name(filter, name);
	free(name);
	return found;
}
