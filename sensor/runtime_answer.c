/* SPDX-License-Identifier: Apache-2.0 */
/* runtime_answer - what runtimes say, taken apart. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "sensor/runtime.h"

/* Copies the text of @key, when it is there and fits; what does not fit is not told at all. */
static void take(const json_t *map, const char *key, char *to, size_t room)
{
	const json_t *v = json_object_get(map, key);
	size_t n = json_string_length(v);

	if (!json_is_string(v) || n == 0 || n >= room || strlen(json_string_value(v)) != n)
		return;
	memcpy(to, json_string_value(v), n + 1);
}

struct label {
	const char *key;
	size_t offset, room;
};

#define FACT(member) \
	offsetof(struct container_facts, member), sizeof(((struct container_facts *)0)->member)

/* Later rows go over earlier ones. */
static void take_labels(const json_t *map, struct container_facts *ret)
{
	static const struct label labels[] = {
		/* labels of dockershim and cri-dockerd, annotations of CRI-O */
		{ "io.kubernetes.container.name", FACT(name) },
		{ "io.kubernetes.pod.name", FACT(pod) },
		{ "io.kubernetes.pod.namespace", FACT(namespace) },
		{ "io.kubernetes.pod.uid", FACT(pod_uid) },
		{ "io.kubernetes.cri-o.ImageName", FACT(image) },
		/* annotations of containerd */
		{ "io.kubernetes.cri.container-name", FACT(name) },
		{ "io.kubernetes.cri.image-name", FACT(image) },
		{ "io.kubernetes.cri.sandbox-name", FACT(pod) },
		{ "io.kubernetes.cri.sandbox-namespace", FACT(namespace) },
		{ "io.kubernetes.cri.sandbox-uid", FACT(pod_uid) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
		take(map, labels[i].key, (char *)ret + labels[i].offset, labels[i].room);
}

int runtime_parse_inspection(const char *json, size_t n, struct container_facts *ret)
{
	json_t *top = json_loadb(json, n, JSON_REJECT_DUPLICATES, NULL);
	const json_t *config = json_object_get(top, "Config");
	char name[sizeof(ret->name)] = "";

	*ret = (struct container_facts){ 0 };
	if (!json_is_object(top)) {
		json_decref(top);
		return err_origin(-EBADMSG);
	}
	take(top, "Name", name, sizeof(name)); /* Docker's begins with a slash */
	snprintf(ret->name, sizeof(ret->name), "%s", name[0] == '/' ? name + 1 : name);
	take(config, "Image", ret->image, sizeof(ret->image));
	take(top, "ImageName", ret->image, sizeof(ret->image)); /* podman's */
	take_labels(json_object_get(config, "Labels"), ret);
	json_decref(top);
	return 0;
}

int runtime_parse_bundle(const char *json, size_t n, struct container_facts *ret)
{
	json_t *top = json_loadb(json, n, JSON_REJECT_DUPLICATES, NULL);

	*ret = (struct container_facts){ 0 };
	if (!json_is_object(top)) {
		json_decref(top);
		return err_origin(-EBADMSG);
	}
	take_labels(json_object_get(top, "annotations"), ret);
	json_decref(top);
	return 0;
}

int runtime_parse_http(const char *s, size_t n, const char **ret_body, size_t *ret_n)
{
	static const char end[] = "\r\n\r\n";
	const char *body = memmem(s, n, end, sizeof(end) - 1);

	if (!body || n < sizeof("HTTP/1.0 200") - 1 || memcmp(s, "HTTP/1.", 7) != 0 || s[8] != ' ')
		return err_origin(-EBADMSG);
	if (memcmp(s + 9, "404", 3) == 0)
		return RUNTIME_E_NONE;
	if (memcmp(s + 9, "200", 3) != 0)
		return err_origin(-EBADMSG);
	*ret_body = body + sizeof(end) - 1;
	*ret_n = (size_t)(s + n - *ret_body);
	return 0;
}
