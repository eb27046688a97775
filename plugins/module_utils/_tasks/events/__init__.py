# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refunds as events for rulebooks: a receiver, a poller, and the outbox that both fill."""
