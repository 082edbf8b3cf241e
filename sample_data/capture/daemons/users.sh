# shellcheck shell=bash
# sudo, su, login, passwd, useradd and their kin.
HOSTS_OF="gw01 web01 db01 mail01 app01 file01 log01"
AT_LEAST=30

setup() {
    local user
    for user in alice bob carol deploy backup2 oncall; do
        useradd -m -s /bin/bash "$user"
        echo "$user:Blue-Kettle-7" | chpasswd
    done
    usermod -aG sudo alice
    printf 'deploy ALL=(root) NOPASSWD: /usr/bin/systemctl reload *\noncall ALL=(root) NOPASSWD: ALL\n' >/etc/sudoers.d/site
    chmod 440 /etc/sudoers.d/site
}

as() { local user=$1; shift; runuser -u "$user" -- env -C "/home/$user" "$@"; }

load() {
    local i
    for i in 1 2 3; do
        echo 'Blue-Kettle-7' | as alice sudo -S -k -p '' systemctl status rsyslog >/dev/null 2>&1
        as oncall sudo -n journalctl -n 5 >/dev/null 2>&1
        as oncall sudo -n -u backup2 id >/dev/null 2>&1
    done
    printf 'wrong\nwronger\nwrongest\n' | as alice sudo -S -k -p '' cat /etc/shadow >/dev/null 2>&1
    printf 'Blue-Kettle-7\n' | as bob sudo -S -k -p '' cat /etc/shadow >/dev/null 2>&1
    as deploy sudo -n systemctl restart ssh >/dev/null 2>&1
    as deploy sudo -n systemctl reload rsyslog >/dev/null 2>&1
    as carol sudo -n -l >/dev/null 2>&1
    su -s /bin/bash -c true backup2
    su - deploy -c 'id' >/dev/null
    echo 'Blue-Kettle-7' | as bob script -qec 'su - carol -c id' /dev/null >/dev/null 2>&1
    echo 'wrong' | as bob script -qec 'su -' /dev/null >/dev/null 2>&1
    echo 'wrong' | as bob script -qec 'su nosuchuser' /dev/null >/dev/null 2>&1
    printf 'wrong\nalice\nBlue-Kettle-7\nexit\n' | timeout 8 script -qec 'login alice' /dev/null >/dev/null 2>&1
    useradd -m "intern$ROUND" && echo "intern$ROUND:Green-Door-3" | chpasswd && usermod -L "intern$ROUND"
    usermod -aG adm "intern$ROUND"; chage -E 2026-01-01 "intern$ROUND"
    quiet useradd alice
    groupadd "project$ROUND"; gpasswd -a carol "project$ROUND" >/dev/null; gpasswd -d carol "project$ROUND" >/dev/null
    quiet su "intern$ROUND" -c id
    groupdel "project$ROUND"; userdel -r "intern$ROUND" 2>/dev/null
    [[ $ROUND == 2 ]] && { echo 'alice ALL=(ALL' >/etc/sudoers.d/broken; as alice sudo -n id >/dev/null 2>&1; rm /etc/sudoers.d/broken; }
    true
}
proof() { tagged sudo su useradd groupadd chpasswd login userdel; }
