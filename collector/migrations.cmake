# The schema of both kinds of database, embedded.  A new file is named here and in collector/migrate.c.
set(rtsec_migrations ${CMAKE_SOURCE_DIR}/migrations)
rtsec_embed(rtsec_collector migration_events_0001 ${rtsec_migrations}/events/0001_blocks.sql)
rtsec_embed(rtsec_collector migration_events_0002 ${rtsec_migrations}/events/0002_merged.sql)
rtsec_embed(rtsec_collector migration_main_0001 ${rtsec_migrations}/main/0001_nodes.sql)
rtsec_embed(rtsec_collector migration_main_0002 ${rtsec_migrations}/main/0002_days.sql)
rtsec_embed(rtsec_collector migration_main_0003 ${rtsec_migrations}/main/0003_access.sql)
rtsec_embed(rtsec_collector migration_main_0004 ${rtsec_migrations}/main/0004_rules.sql)
rtsec_embed(rtsec_collector migration_flows_0001 ${rtsec_migrations}/flows/0001_flows.sql)
